# SPDX-License-Identifier: Apache-2.0
"""Everything that is measured: ``make bench``."""

from bench import bridge, diffusion, drafts, quality, store, taste

if __name__ == "__main__":
    bridge.main()
    quality.main()
    drafts.main()
    taste.main()
    store.main()
    diffusion.main()
