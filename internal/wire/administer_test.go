package wire_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/ntstatus"
)

// administered is a process whose server has accounts.
type administered struct{ process }

func (administered) Administer(request []byte) ([]byte, ntstatus.Status) {
	return request, ntstatus.Success
}

// A request about accounts counts as a call until it is answered (W-3).
func TestAnsweredAccountRequestFreesItsRoom(t *testing.T) {
	s := serveAs(t, func(p process) wire.Process { return administered{p} })
	s.greet()
	for i := range wire.MaxPending + 1 {
		check.Require(t, s.status(&wire.Frame{Kind: wire.Administer, Request: 7}), ntstatus.Success, "request %d", i)
	}
}
