//go:build !linux

package access_test

import (
	"testing"

	"github.com/refmon/refmon/sd"
)

func collapse(b *testing.B, _ []*sd.Descriptor) { b.Skip("only Linux has huge pages on request") }
