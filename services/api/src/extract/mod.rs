//! What handlers take: who may call, the body, a page, conditions.

mod accept;
mod auth;
mod body;
mod condition;
mod page;
pub(crate) mod scopes;

pub(crate) use accept::names as accepts;
pub(crate) use auth::{AnySession, AnyStaff, Granted, GrantedLeaving, GrantedStaff};
pub(crate) use body::{Ask, Form, Input, LeavingWrite, Open, StaffWrite, Write, read_json};
pub(crate) use condition::{Condition, etag};
pub(crate) use page::{Page, PageQuery, cursor};
