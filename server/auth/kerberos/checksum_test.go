package kerberos

import (
	"encoding/binary"
	"testing"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/check"
)

// TestChecksumFlagsOfDCEAreRefused checks that any flags of a GSS checksum are accepted, except those for DCE's three
// steps (K-44).
func TestChecksumFlagsOfDCEAreRefused(t *testing.T) {
	gss := func(n int, flags uint32) types.Checksum {
		b := binary.LittleEndian.AppendUint32(append([]byte{16, 0, 0, 0}, make([]byte, 16)...), flags)
		return types.Checksum{CksumType: gssChecksum, Checksum: append(b, make([]byte, 8)...)[:n]}
	}
	bound := func(n byte) types.Checksum {
		return types.Checksum{CksumType: gssChecksum, Checksum: append([]byte{n}, make([]byte, 23)...)}
	}
	for name, c := range map[string]struct {
		sum types.Checksum
		ok  bool
	}{
		"bindings of no bytes": {bound(0), false}, "bindings of 15 bytes": {bound(15), false},
		"bindings of 17 bytes": {bound(17), false}, "no bytes": {gss(0, 0), false},
		"another type":                  {types.Checksum{CksumType: 7, Checksum: bound(16).Checksum}, false},
		"none":                          {types.Checksum{}, true},
		"another's, without one":        {types.Checksum{CksumType: 16}, false},
		"twenty bytes":                  {gss(20, 0), false},
		"twenty-three":                  {gss(23, 0), false},
		"twenty-four":                   {gss(24, 0), true},
		"with delegation":               {gss(32, 1), true},
		"DCE":                           {gss(24, 0x1000), false},
		"DCE and mutual authentication": {gss(24, 0x1002), false},
	} {
		_, err := readChecksum(c.sum)
		check.That(t, (err == nil) == c.ok, "K-44: readChecksum, %s: %v, want success: %t", name, err, c.ok)
	}
	for n, want := range map[byte]int{0: 0, 4: 4, 5: 0} { // of four bytes
		sum := gss(32, 1)
		sum.Checksum[24], sum.Checksum[26] = delegationOption, n
		check.Equal(t, len(check.Must(readChecksum(sum)).credential), want, "K-45: bytes of a credential of %d", n)
	}
}

// TestClientAnnouncesBindings checks the bit of the authenticator's authorization data by which a client announces
// channel bindings (K-46).
func TestClientAnnouncesBindings(t *testing.T) {
	for name, c := range map[string]struct {
		all  types.AuthorizationData
		want bool
	}{
		"nothing": {nil, false}, "outside": {types.AuthorizationData{data(143, 0, 0x40, 0, 0)}, true},
		"inside":            {types.AuthorizationData{nest(t, 1, data(141), data(143, 0, 0x40, 0, 0))}, true},
		"second wrapper":    {types.AuthorizationData{nest(t, 1), nest(t, 1, data(143, 0, 0x40, 0, 0))}, true},
		"in the second":     {types.AuthorizationData{data(1, 9), nest(t, 1, data(143, 0xff, 0xff, 0, 0))}, true},
		"another wrapper":   {types.AuthorizationData{nest(t, 4, data(143, 0, 0x40, 0, 0))}, false},
		"another type":      {types.AuthorizationData{data(142, 0, 0x40, 0, 0)}, false},
		"another bit":       {types.AuthorizationData{data(143, 0x40, 0xbf, 0x40, 0x40)}, false},
		"three bytes":       {types.AuthorizationData{data(143, 0, 0x40, 0)}, false},
		"five bytes":        {types.AuthorizationData{data(143, 0, 0x40, 0, 0, 0)}, false},
		"a wrapper, broken": {types.AuthorizationData{data(1, 0x30, 9)}, false},
	} {
		o := opened{}
		o.auth.AuthorizationData = c.all
		o.ticket.AuthorizationData = []types.AuthorizationDataEntry{data(143, 0, 0x40, 0, 0)} // not in the client's part
		check.Equal(t, o.supportsBindings(), c.want, "K-46: %s: %t: o.aware()", name, !c.want)
	}
}
