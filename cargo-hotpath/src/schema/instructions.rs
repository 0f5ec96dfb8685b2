//! Instruction counts in the JSON contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Instructions that the instrumented workload ran in user space, its probes and the processes that it
/// started included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// Of the reported repetition; `null` where they could not be counted.
    pub count: Option<u64>,
    /// What was to count them.
    pub source: InstructionSource,
    /// Why a repetition has no count; `null` where each has one.
    pub reason: Option<String>,
}

/// What counts instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstructionSource {
    /// The processor's counter, in the repetition itself.
    Hardware,
    /// Valgrind's callgrind, in a run of its own after each repetition.
    Callgrind,
}

impl InstructionSource {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hardware => "the processor's counter",
            Self::Callgrind => "callgrind",
        }
    }
}
