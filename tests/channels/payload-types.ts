// The payloads that channels accept, in the types that the services publish.

import type { IAdaptiveCard } from '@microsoft/teams.cards';
import type { EventPayloadV2 } from '@pagerduty/pdjs/build/src/events.js';
import type { KnownBlock } from '@slack/types';

// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
export type SlackMessage = {
  text: string;
  mrkdwn: boolean;
  unfurl_links: boolean;
  unfurl_media: boolean;
  blocks: KnownBlock[];
};

// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
export type TeamsMessage = {
  type: 'message';
  attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive'; contentUrl: null; content: TeamsCard }];
};

// The documentation of cards in Teams writes `Full`, the type `full`.
type TeamsCard = Omit<IAdaptiveCard, 'msteams'> & { msteams: { width: 'Full' } };

// The type lacks the fields of the client: https://developer.pagerduty.com/docs/events-api-v2-trigger-events
export type PagerDutyEvent = EventPayloadV2 & { client?: string; client_url?: string };
