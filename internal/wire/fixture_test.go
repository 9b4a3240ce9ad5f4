package wire_test

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// The hello of a client, in both forms.
var (
	helloFrame = wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	jsonHello  = wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: []byte(`{"Magic":"refmon","Version":1}`)})
)

// pair is a server in the bubble of a synctest, prepared before it serves, with the
// client's end of its connection.
func pair(t *testing.T, prepare func(*wire.Server)) (*wire.Server, net.Conn, <-chan error) {
	t.Helper()
	sys := kernel.Boot(kernel.Config{})
	user := check.Must(token.New(token.LocalSystem()))
	p := check.Must(sys.NewProcess("client", user))
	ours, theirs := net.Pipe()
	server, end := wire.NewServer(theirs, process{p, nt.Documented}), make(chan error, 1)
	prepare(server)
	go func() { end <- server.Serve() }()
	t.Cleanup(func() {
		_ = ours.Close()
		synctest.Wait()
		check.NoError(t, sys.Close())
	})
	return server, ours, end
}
