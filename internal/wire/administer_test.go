package wire_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/ntstatus"
)

// administered is a process whose server has accounts. A request is answered once goOn is closed.
type administered struct {
	process
	goOn chan struct{}
}

func (a administered) Administer(request []byte) ([]byte, ntstatus.Status) {
	<-a.goOn
	return request, ntstatus.DiskFull
}

// A request about accounts counts as a call until it is answered, and others are refused at the limit (W-3). A server
// without accounts returns STATUS_NOT_SUPPORTED.
func TestAnsweredAccountRequestFreesItsRoom(t *testing.T) {
	goOn, request := make(chan struct{}), &wire.Frame{Kind: wire.Administer, Request: 7}
	s := serveAs(t, func(p process) wire.Process { return administered{p, goOn} })
	s.exchangeHello()
	for range wire.MaxPending {
		s.send(request)
	}
	check.Require(t, s.status(&wire.Frame{Kind: wire.Administer, Request: 8}), ntstatus.InsufficientResources,
		"one request too many")
	close(goOn)
	for range wire.MaxPending {
		check.Require(t, s.receive().Request, 7, "request that is answered")
	}
	check.Equal(t, s.status(request), ntstatus.DiskFull, "a request after the answers")
	s = serve(t)
	s.exchangeHello()
	check.Equal(t, s.status(request), ntstatus.NotSupported, "a request to a server without accounts")
}
