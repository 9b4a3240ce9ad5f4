package sd_test

import (
	"testing"
	"unsafe"

	"github.com/refmon/refmon/sd"
)

func TestCompiledEntryHas32Bytes(t *testing.T) {
	if n := unsafe.Sizeof(sd.Entry{}); unsafe.Sizeof(uintptr(0)) == 8 && n != 32 {
		t.Errorf("an Entry has %d bytes, want 32", n)
	}
}
