//! The caller of a request, as a handler takes it: an argument of type [`Caller`] or [`Operator`]
//! (the handler's state must give [`Keys`]), or [`Keys::caller_of`] over gRPC.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, header};
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use super::{Keys, Refusal, Role};
use crate::problem::Problem;

/// Who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account_id: Uuid,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// Whether it is an operator, who sees all.
    pub fn is_operator(&self) -> bool {
        self.role == Role::Operator
    }

    /// Whether it may see what belongs to `account_id`. What it may not see is answered as if it
    /// were not there.
    pub fn may_see(&self, account_id: Uuid) -> bool {
        self.is_operator() || self.account_id == account_id
    }

    /// This caller, where it is an operator.
    ///
    /// # Errors
    /// [`Refusal::NotOperator`].
    pub fn operator(self) -> Result<Operator, Refusal> {
        if self.is_operator() {
            Ok(Operator(self))
        } else {
            Err(Refusal::NotOperator)
        }
    }
}

/// A caller who is an operator; any other is answered 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator(pub Caller);

impl Keys {
    /// The caller of an HTTP request with these headers.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let claims = self.check(bearer(headers)?).await?;
        Ok(Caller {
            account_id: claims.sub,
            role: claims.role,
        })
    }

    /// The caller of a gRPC request with this metadata; a [`Refusal`] becomes a status by `?`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn caller_of(&self, metadata: &MetadataMap) -> Result<Caller, Refusal> {
        self.caller(metadata.as_ref()).await
    }

    /// The operator who makes a gRPC request with this metadata.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn operator_of(&self, metadata: &MetadataMap) -> Result<Operator, Refusal> {
        self.caller_of(metadata).await?.operator()
    }
}

/// The token of `Authorization: Bearer TOKEN`, which stands there once.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = given.next().ok_or(Refusal::Missing)?;
    if given.next().is_some() {
        return Err(Refusal::Malformed("Authorization stands there twice"));
    }
    let text = value
        .to_str()
        .map_err(|_| Refusal::Malformed("Authorization is no text"))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(token.trim_start_matches(' '))
        }
        _ => Err(Refusal::Missing),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Keys: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Keys::from_ref(state).caller(&parts.headers).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator
where
    Keys: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(caller.operator()?)
    }
}
