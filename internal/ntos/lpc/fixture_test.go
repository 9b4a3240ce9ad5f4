package lpc_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// world is a system with ports.
type world struct{ *bare.World }

// port initializes and tracks a port with one handle, which DropOpen closes.
func (w *world) port(p *lpc.Port) *lpc.Port {
	p.Init(lpc.PortType, p, nil)
	w.Sys.Security.Objects.Track(p)
	p.HoldOpen()
	p.Deref(ob.TagCall)
	return p
}

func expect(t *testing.T, what string, got, st ntstatus.Status) {
	t.Helper()
	check.Equal(t, got, st, "%s", what)
}

func idOf(th *ps.Thread) nt.ClientID {
	return nt.ClientID{UniqueProcess: th.Process().ID(), UniqueThread: th.ID()}
}
