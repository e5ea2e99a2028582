//! Plays against answers written down: steps, actions, workflows that call others.

mod actions;
mod nested;
mod steps;
