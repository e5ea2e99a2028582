//! One item in two shapes: what version 1 and version 2 of the interface show and take. Version 1
//! knows a name and a price; version 2 calls the name a title and knows what the item is and
//! whether it is shown first. What version 1 does not know, it leaves as it is.

use serde::{Deserialize, Serialize};
use shop::money::Money;
use shop::problem::Problem;
use shop::sku::Sku;

use crate::items::{Item, Said};

/// Characters that an item's name may have.
const LONGEST_TITLE: usize = 200;

/// Characters that its description may have.
const LONGEST_DESCRIPTION: usize = 4_000;

/// A version's shape of an item, and of what is said about one.
pub(crate) trait Shape: From<Item> + Serialize {
    /// What an operator sends.
    type Description: for<'a> Deserialize<'a> + Send;

    /// What it says, where it can be said of an item.
    fn said(description: Self::Description) -> Result<Said, Problem>;
}

/// An item as version 1 shows it.
#[derive(Debug, Serialize)]
pub(crate) struct V1 {
    sku: Sku,
    name: String,
    price: Money,
}

/// What version 1 takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescriptionV1 {
    name: String,
    price: Money,
}

impl From<Item> for V1 {
    fn from(item: Item) -> Self {
        Self {
            sku: item.sku,
            name: item.title,
            price: item.price,
        }
    }
}

impl Shape for V1 {
    type Description = DescriptionV1;

    fn said(DescriptionV1 { name, price }: DescriptionV1) -> Result<Said, Problem> {
        check_title("name", &name)?;
        check_price(&price)?;
        Ok(Said {
            title: name,
            price,
            description: None,
            featured: None,
        })
    }
}

/// An item as version 2 shows it.
#[derive(Debug, Serialize)]
pub(crate) struct V2 {
    sku: Sku,
    title: String,
    description: String,
    price: Money,
    featured: bool,
}

/// What version 2 takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescriptionV2 {
    title: String,
    description: String,
    price: Money,
    featured: bool,
}

impl From<Item> for V2 {
    fn from(item: Item) -> Self {
        Self {
            sku: item.sku,
            title: item.title,
            description: item.description,
            price: item.price,
            featured: item.featured,
        }
    }
}

impl Shape for V2 {
    type Description = DescriptionV2;

    fn said(said: DescriptionV2) -> Result<Said, Problem> {
        check_title("title", &said.title)?;
        check_price(&said.price)?;
        let control = |c: char| c.is_control() && c != '\n';
        if said.description.chars().count() > LONGEST_DESCRIPTION
            || said.description.contains(control)
        {
            let detail = format!("description: give at most {LONGEST_DESCRIPTION} characters");
            return Err(Problem::bad_request(detail));
        }
        Ok(Said {
            title: said.title,
            price: said.price,
            description: Some(said.description),
            featured: Some(said.featured),
        })
    }
}

fn check_title(field: &str, title: &str) -> Result<(), Problem> {
    let length = title.trim().chars().count();
    if length == 0 || length > LONGEST_TITLE || title.contains(char::is_control) {
        let detail = format!("{field}: give 1 to {LONGEST_TITLE} characters in one line");
        return Err(Problem::bad_request(detail));
    }
    Ok(())
}

fn check_price(price: &Money) -> Result<(), Problem> {
    if price.amount() == 0 {
        let detail = "price.amount: give 1 or more, nothing is free here";
        return Err(Problem::bad_request(detail));
    }
    Ok(())
}
