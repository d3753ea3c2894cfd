//! The use cases of a verification, one a file: start, check, resend, cancel and redeem, read.

mod ask;
pub mod cancel;
pub mod check;
mod neutral;
mod policy;
pub mod read;
pub mod redeem;
pub mod resend;
pub mod start;
pub mod start_sign_in;

pub use cancel::CancelError;
pub use check::{CheckError, CheckReport, CheckRequest};
pub use policy::ChannelRefused;
pub use read::{ReadError, VerificationPage, VerificationQuery};
pub use redeem::{Proof, RedeemError};
pub use resend::{ResendError, ResendRequest};
pub use start::{ClientInfo, Selection, StartError, StartRequest, Started};
pub use start_sign_in::SignInStart;
