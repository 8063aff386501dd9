//! What the operator sets.

use std::path::PathBuf;

use mortise_model::secret::SecretText;

use crate::{Compiler, CompilerConfig};

/// What the operator sets, for all tenants.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Where compiled images are kept. Made with mode 0700 when it is not there.
    pub images: PathBuf,
    /// The key of the images' MACs. An image that was made with another key is compiled again.
    pub image_key: SecretText,
    /// Where components are compiled, and what that may use.
    pub compiler: CompilerConfig,
    /// Largest component, in bytes.
    pub max_component_bytes: u64,
    /// Calls in progress at the same time. Further calls wait, within their wall time.
    pub calls: u32,
    /// Calls of one tenant in progress at the same time. Further calls wait, within their wall time.
    pub calls_per_tenant: u32,
    /// Memory that one call may have at most, whatever its tenant's limit, in bytes.
    pub max_call_memory_bytes: u32,
    /// Memory of all calls together, in bytes.
    pub total_memory_bytes: u64,
    /// Memory of all calls of one tenant together, in bytes.
    pub memory_per_tenant_bytes: u64,
}

impl RuntimeConfig {
    /// The defaults, for images in `images` under `image_key`, made by `compiler`.
    pub fn new(images: PathBuf, image_key: SecretText, compiler: Compiler) -> Self {
        Self {
            images,
            image_key,
            compiler: CompilerConfig::new(compiler),
            max_component_bytes: 64 << 20,
            calls: 200,
            calls_per_tenant: 50,
            max_call_memory_bytes: 512 << 20,
            total_memory_bytes: 4 << 30,
            memory_per_tenant_bytes: 1 << 30,
        }
    }
}
