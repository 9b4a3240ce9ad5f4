package smbd

import (
	"net"
	"os"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A server takes another address where the first that it drew has a server already.
func TestFreeAddressSkipsAddressInUse(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: port 445 needs it")
	}
	drawn := []uint32{0, 0, 1 << 14, 1<<7 + 3}
	draw := func() uint32 {
		n := drawn[0]
		drawn = drawn[1:]
		return n
	}
	var got []string
	for range 3 {
		address, err := FreeAddress(draw, 64, "445")
		check.NoError(t, err)
		l := check.Must(net.Listen("tcp", address+":445"))
		defer func() { _ = l.Close() }() // nothing to write
		got = append(got, address)
	}
	check.SlicesEqual(t, got, []string{"127.64.0.1", "127.65.0.1", "127.64.1.4"}, "addresses")
}

// Where every address has a server, the reason is returned.
func TestFreeAddressFailsIfAllAreInUse(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: port 445 needs it")
	}
	l := check.Must(net.Listen("tcp", "127.64.0.2:445"))
	defer func() { _ = l.Close() }() // nothing to write
	address, err := FreeAddress(func() uint32 { return 1 }, 64, "444", "445")
	check.That(t, address == "" && err != nil, "FreeAddress: %q, %v, want an error", address, err)
}
