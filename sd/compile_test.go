package sd_test

import (
	"testing"
	"unsafe"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
)

func TestCompiledEntryHas32Bytes(t *testing.T) {
	n := unsafe.Sizeof(sd.Entry{})
	check.That(t, unsafe.Sizeof(uintptr(0)) != 8 || n == 32, "an Entry has %d bytes, want 32", n)
}
