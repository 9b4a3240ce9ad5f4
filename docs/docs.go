// Package docs embeds documents that programs print: the known differences from Windows, and the rules with their
// sources.
//
//	docs.Caveats // CAVEATS.md
package docs

import "embed"

// Caveats is CAVEATS.md.
//
//go:embed CAVEATS.md
var Caveats string

// Rules are the files of rules/.
//
//go:embed rules/*.md
var Rules embed.FS
