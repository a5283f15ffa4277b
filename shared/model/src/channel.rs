//! The words of channels.

crate::string_enum::open_string_enum! {
    /// The form in which a channel gets its messages.
    ChannelKind {
        /// An incoming webhook of Slack.
        Slack = "slack",
        /// A Workflows webhook of Microsoft Teams.
        MicrosoftTeams = "microsoft_teams",
        /// A `PagerDuty` service, by its Events API v2.
        PagerDuty = "pagerduty",
        /// An HTTPS endpoint that gets the JSON of the messages, signed as Standard Webhooks.
        Webhook = "webhook",
    }
}

crate::string_enum::open_string_enum! {
    /// A kind of messages that a channel can choose.
    ChannelMessage {
        /// Incidents: new ones, more events, reminders, escalations and resolutions.
        Incident = "incident",
        /// Approvals of actions and of operations.
        Approval = "approval",
        /// Weekly reports.
        Report = "report",
        /// Messages about AGE itself: credentials that expire, activated policies, missing subscribers, channels that fail.
        System = "system",
    }
}
