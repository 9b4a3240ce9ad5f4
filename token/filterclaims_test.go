package token_test

import (
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Filter disables device groups and intersects lists of restricting device groups. An empty intersection still
// restricts after copies, a file and another filter (T-67).
func TestFilterRestrictsDeviceGroups(t *testing.T) {
	a, b, c := account(4001), account(4002), account(4003)
	s := setup()
	s.DeviceGroups = []token.Group{{SID: a, Attributes: token.GroupDefault}, {SID: b, Attributes: token.GroupDefault}}
	n := filter(t, must(t, s), token.FilterSpec{DisableDevice: []sid.SID{a}, RestrictDevice: restricting(b, c)})
	if n.DeviceBits().Has(0) || !n.DeviceDenyBits().Has(0) || !n.DeviceBits().Has(1) {
		t.Errorf("T-67: device group a allows %t, denies %t, and b allows %t; want false, true, true",
			n.DeviceBits().Has(0), n.DeviceDenyBits().Has(0), n.DeviceBits().Has(1))
	}
	n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(c)})
	n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(a)})
	file, err := n.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	bare := n.Spec()
	bare.Integrity = sid.SID{} // so that a new level creates an entry
	leveled, _ := must(t, bare).WithIntegrity(1, sid.LowLevel)
	for name, tok := range map[string]*token.Token{"filtered": n, "of its Spec": must(t, n.Spec()),
		"of its file": parse(t, string(file)), "at a level": leveled} {
		again := filter(t, tok, token.FilterSpec{RestrictDevice: restricting(c)})
		if got := again.Spec().RestrictedDeviceGroups; got == nil || len(got) != 0 {
			t.Errorf("T-67: %s: restricting device groups after another filter: %#v, want an empty list", name, got)
		}
	}
}
