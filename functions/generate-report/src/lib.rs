//! Makes reports: one when somebody asks, one a week when the schedule fires.

mod on_demand;
mod reporter;
mod weekly;

pub use on_demand::{Contract, routes};
pub use reporter::Reporter;
pub use weekly::{Firing, Made, Weekly, WeeklyError};
