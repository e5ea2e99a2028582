//! Auth's HTTP interface: `contracts/openapi/auth.yaml`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use shop::deadline::{self, Deadline};
use shop::idempotency::{IdempotencyKey, another_request, hash};
use shop::problem::{Body, Problem};
use shop::token::{Caller, JWKS_PATH, JwkSet, Keys, Operator};
use shop::trace_context::TraceContext;
use uuid::Uuid;

use crate::accounts::{Account, Accounts, Asked, Written};
use crate::email::Email;
use crate::keys::{Rotated, RotationAsked, SigningKeys};
use crate::operator;
use crate::password::{Hasher, Password, PasswordError, Secret};
use crate::random::Random;
use crate::throttle::Throttle;

/// Characters that a name may have.
const LONGEST_NAME: usize = 100;

/// What the routes work with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) accounts: Accounts,
    pub(crate) signing: SigningKeys,
    /// The same keys as others see them, to check tokens with.
    pub(crate) keys: Keys,
    pub(crate) hasher: Hasher,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) random: Random,
}

impl FromRef<Desk> for Keys {
    fn from_ref(desk: &Desk) -> Self {
        desk.keys.clone()
    }
}

/// The routes over `desk`.
pub(crate) fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/accounts", post(sign_up))
        .route("/accounts/me", get(show).put(change))
        .route("/tokens", post(sign_in))
        .route("/keys/rotate", post(rotate))
        .route(JWKS_PATH, get(published))
        .with_state(desk)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignUp {
    email: String,
    password: Secret,
    name: String,
}

async fn sign_up(
    State(desk): State<Desk>,
    key: IdempotencyKey,
    trace: TraceContext,
    deadline: Deadline,
    Body(request): Body<SignUp>,
) -> Result<Response, Problem> {
    let email = email(&request.email)?;
    let name = name(&request.name)?;
    let repeated = request.password.again();
    let password = Password::new(request.password)
        .ok_or_else(|| Problem::bad_request("password: give 8 to 128 characters"))?;
    let asked = Asked {
        key: Some(key),
        hash: hash(&json!(["sign up", email.as_str(), name])),
        trace,
    };
    let owner = email.as_str().to_owned();
    let answered = desk
        .accounts
        .answered(owner, &asked)
        .await
        .map_err(failed)?;
    let written = match answered {
        Some(answered) => answered,
        None => {
            let hashed = desk
                .hasher
                .hash(password, || !deadline.has_passed())
                .await?;
            let id = new_id(&desk.random)?;
            let made = desk
                .accounts
                .sign_up(id, email.clone(), name, hashed, asked);
            made.await.map_err(failed)?
        }
    };
    if let Written::Before(answer) = &written {
        same_password(&desk, answer, repeated).await?;
    }
    account_answer(StatusCode::CREATED, written)
}

/// The same key with another password is another request too. A password is kept as its hash alone,
/// so that is what it is compared with.
async fn same_password(desk: &Desk, answer: &str, password: Secret) -> Result<(), Problem> {
    let account: Account =
        serde_json::from_str(answer).map_err(|error| Problem::internal(&error))?;
    let stored = desk
        .accounts
        .password_of(account.id)
        .await
        .map_err(failed)?;
    match desk.hasher.fits(password, stored, || true).await? {
        Some(compared) if compared.fits => Ok(()),
        _ => Err(another_request()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: Secret,
}

/// Says the same, after the same work, whether the address, the password or both are wrong.
async fn sign_in(
    State(desk): State<Desk>,
    deadline: Deadline,
    Body(request): Body<SignIn>,
) -> Result<Response, Problem> {
    let email = email(&request.email)?;
    if let Some(seconds) = desk.throttle.pause(&email) {
        return Err(too_many(seconds));
    }
    let login = desk.accounts.login(email.clone()).await.map_err(failed)?;
    let stored = login.as_ref().map(|login| login.password.clone());
    // Those that waited together for their turn are counted one by one.
    let still = || !deadline.has_passed() && desk.throttle.pause(&email).is_none();
    let Some(compared) = desk.hasher.fits(request.password, stored, still).await? else {
        if deadline.has_passed() {
            return Err(deadline::too_late());
        }
        return Err(too_many(desk.throttle.pause(&email).unwrap_or(1)));
    };
    match login.filter(|_| compared.fits) {
        Some(login) => {
            desk.throttle.succeeded(&email);
            let signed = desk.signing.token(login.id, login.role);
            let (token, lifetime) = signed.map_err(|error| Problem::internal(&error))?;
            let body = Json(json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": lifetime,
                "account_id": login.id,
            }));
            Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
        }
        None => {
            desk.throttle.failed(email);
            let problem = Problem::new(
                StatusCode::UNAUTHORIZED,
                "there is no account with this email and password",
            );
            let challenge = HeaderValue::from_static("Bearer realm=\"shop\"");
            Err(problem.with_header(header::WWW_AUTHENTICATE, challenge))
        }
    }
}

async fn show(State(desk): State<Desk>, me: Caller) -> Result<Json<Account>, Problem> {
    let account = desk.accounts.find(me.account_id).await.map_err(failed)?;
    account.map(Json).ok_or_else(no_account)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    email: String,
    name: String,
}

async fn change(
    State(desk): State<Desk>,
    me: Caller,
    key: Option<IdempotencyKey>,
    trace: TraceContext,
    Body(request): Body<Change>,
) -> Result<Response, Problem> {
    let email = email(&request.email)?;
    let name = name(&request.name)?;
    if me.account_id == operator::ID && email.as_str() != operator::EMAIL {
        let detail = "email: the first operator is known by its address, which stays";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let asked = Asked {
        key,
        hash: hash(&json!(["change", email.as_str(), name])),
        trace,
    };
    let changed = desk.accounts.change(me.account_id, email, name, asked);
    account_answer(StatusCode::OK, changed.await.map_err(failed)?)
}

async fn rotate(
    State(desk): State<Desk>,
    Operator(me): Operator,
    key: IdempotencyKey,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
    let asked = RotationAsked {
        account: me.account_id,
        key,
        // A client that writes every body as JSON says nothing so.
        content: match body.trim_ascii() {
            b"{}" => Vec::new(),
            content => content.to_vec(),
        },
    };
    let rotated = desk.signing.rotate(Some(asked)).await;
    match rotated.map_err(|error| Problem::internal(&error))? {
        Rotated::Kid(kid) => Ok(Json(json!({ "kid": kid })).into_response()),
        Rotated::Different => Err(another_request()),
        Rotated::Content => Err(Problem::bad_request(
            "send no body: there is nothing to say",
        )),
        Rotated::Crowded(wait) => Err(crowded(wait.as_secs() + 1)),
    }
}

async fn published(State(desk): State<Desk>) -> Json<JwkSet> {
    Json(desk.signing.published())
}

fn account_answer(status: StatusCode, written: Written) -> Result<Response, Problem> {
    match written {
        Written::Done(json) | Written::Before(json) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            Ok((status, kind, json).into_response())
        }
        Written::Different => Err(another_request()),
        Written::Taken => Err(Problem::new(
            StatusCode::CONFLICT,
            "email: there is an account with it already",
        )),
        Written::Missing => Err(no_account()),
    }
}

fn email(text: &str) -> Result<Email, Problem> {
    Email::parse(text)
        .ok_or_else(|| Problem::bad_request("email: give an address like ada@shop.example"))
}

fn name(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    let characters = name.chars().take(LONGEST_NAME + 1).count();
    if !(1..=LONGEST_NAME).contains(&characters) || name.chars().any(char::is_control) {
        let detail = format!("name: give 1 to {LONGEST_NAME} characters on one line");
        return Err(Problem::bad_request(detail));
    }
    Ok(name.to_owned())
}

fn new_id(random: &Random) -> Result<Uuid, Problem> {
    let bytes = random.bytes().map_err(|error| Problem::internal(&error))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

fn no_account() -> Problem {
    Problem::not_found("there is no such account")
}

fn too_many(seconds: u64) -> Problem {
    let detail = format!("too many wrong passwords for this email: try again in {seconds} s");
    not_before(seconds, detail)
}

fn crowded(seconds: u64) -> Problem {
    let detail = format!("too many keys were retired lately: try again in {seconds} s");
    not_before(seconds, detail)
}

fn not_before(seconds: u64, detail: String) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn failed(error: shop::database::DatabaseError) -> Problem {
    Problem::internal(&error)
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
            PasswordError::Late => deadline::too_late(),
            other => Self::internal(&other),
        }
    }
}

#[cfg(test)]
mod tests;
