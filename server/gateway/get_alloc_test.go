package gateway

import "testing"

// TestGetAllocatesAtMost185Times checks the number of allocations of a GET over HTTP/2 with a cached session, in
// client, gateway and refmond together.
func TestGetAllocatesAtMost185Times(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, with which the short tests run, makes pools forget")
	}
	w := newWorld(t, shared)
	w.file("f", string(make([]byte, 4096)), shared)
	w.want(200, "alice", "GET", "/share/f", "")
	if got := testing.AllocsPerRun(300, func() { w.ask("alice", "GET", "/share/f", "") }); got > 185 {
		t.Errorf("a GET takes %.0f allocations, want at most 185", got)
	} else {
		t.Logf("%.0f allocations", got)
	}
}
