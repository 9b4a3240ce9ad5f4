package wire_test

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
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
	s, p, theirs := newServed(t)
	server := wire.NewServer(theirs, p)
	prepare(server)
	go func() { s.end <- server.Serve() }()
	t.Cleanup(func() {
		_ = s.conn.Close()
		synctest.Wait()
		check.NoError(t, s.sys.Close())
	})
	return server, s.conn, s.end
}
