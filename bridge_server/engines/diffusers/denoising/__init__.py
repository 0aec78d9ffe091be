# SPDX-License-Identifier: Apache-2.0
"""What imports torch: loading models and taking candidates through them. Imported with the first picture."""
