//! The first operator: an account that is there from the first start, whose password is what a
//! file says, so that whoever runs the shop can sign in.

use shop::database::DatabaseError;
use shop::token::Role;
use uuid::Uuid;

use crate::accounts::{Account, Accounts};
use crate::email::Email;
use crate::password::{Hasher, Password, PasswordError, Secret};

/// Its address.
pub(crate) const EMAIL: &str = "operator@shop.example";
/// Its id, made once for it.
pub(crate) const ID: Uuid = Uuid::from_u128(0x51f6_3b0e_7a9d_4c25_8e40_d1b7_92c6_0fa3);

/// Why it could not be kept in step with its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    /// The database failed.
    #[error("cannot keep the operator's account: {0}")]
    Database(#[from] DatabaseError),
    /// Its password could not be hashed.
    #[error("cannot keep the operator's account: {0}")]
    Password(#[from] PasswordError),
}

/// Makes the account at the first start, and gives it the password `secret` where it has another.
pub(crate) async fn keep(
    accounts: &Accounts,
    hasher: &Hasher,
    secret: Secret,
) -> Result<(), OperatorError> {
    // The constant is an address; were it none, nobody could sign in with it either.
    let stored = match Email::parse(EMAIL) {
        Some(email) => accounts.login(email).await?.map(|login| login.password),
        None => None,
    };
    let compared = hasher.fits(secret.again(), stored, || true).await?;
    if compared.is_some_and(|compared| compared.fits) {
        return Ok(());
    }
    // Its length was checked when the file was read.
    if let Some(password) = Password::new(secret) {
        let operator = Account {
            id: ID,
            email: EMAIL.to_owned(),
            name: "Operator".to_owned(),
            role: Role::Operator,
        };
        accounts
            .keep_operator(operator, hasher.hash(password, || true).await?)
            .await?;
        tracing::info!("the operator's password is what its file says");
    }
    Ok(())
}
