//! What handlers take: who may call, the body, a page, conditions.

mod auth;
mod body;
mod condition;
mod page;
pub(crate) mod scopes;

pub(crate) use auth::{AnySession, AnyStaff, Granted, GrantedStaff};
pub(crate) use body::{Ask, Input, Open, StaffWrite, Timely, Write, read_json};
pub(crate) use condition::{Condition, etag};
pub(crate) use page::{Page, PageQuery, cursor};
