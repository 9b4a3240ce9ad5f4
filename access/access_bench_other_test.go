//go:build !linux

package access_test

import (
	"testing"

	"github.com/refmon/refmon/sd"
)

func collapse(b *testing.B, _ []*sd.Descriptor) { b.Skip("huge pages are asked for on Linux only") }
