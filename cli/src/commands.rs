//! The commands, one module for each group.

pub(crate) mod action;
mod action_show;
pub(crate) mod channel;
mod channel_target;
mod channel_test_message;
mod channel_view;
pub(crate) mod credential;
pub(crate) mod decide;
pub(crate) mod decision;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod event_import;
mod event_list;
mod event_show;
pub(crate) mod health;
pub(crate) mod hold;
pub(crate) mod incident;
mod incident_bulk;
mod incident_show;
pub(crate) mod policy;
pub(crate) mod report;
mod report_export;
mod report_ref;
pub(crate) mod stats;
mod timeline;
pub(crate) mod whoami;
