package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/ntstatus"
)

// otherRelease is a proxy that simulates the server of another release: its rows are in another order, some are
// missing, some have other types, and some are new.
type otherRelease struct {
	rows   []wire.RowName
	number []uint16 // of each row in this release
}

// same reports whether both releases have the row with the same fingerprint.
func (o *otherRelease) same(r *wire.Row) bool {
	return slices.Contains(o.rows, wire.RowName{Name: r.Info().Name, Fingerprint: r.Fingerprint})
}

func newOtherRelease() *otherRelease {
	o := new(otherRelease)
	for i, r := range slices.Backward(wire.Rows()) {
		if i%5 == 2 {
			continue
		}
		row := wire.RowName{Name: r.Info().Name, Fingerprint: r.Fingerprint}
		if i%7 == 3 {
			row.Fingerprint++
		}
		if i%11 == 0 {
			o.rows, o.number = append(o.rows, wire.RowName{Name: "NtOf" + row.Name, Fingerprint: 1}), append(o.number, 60000)
		}
		o.rows, o.number = append(o.rows, row), append(o.number, uint16(i))
	}
	return o
}

// hello returns the server's hello with the rows of the other release.
func (o *otherRelease) hello(b []byte) []byte {
	text := func(b []byte, s string) []byte {
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	h, err := wire.DecodeHello(b)
	if err != nil {
		return b
	}
	out := binary.LittleEndian.AppendUint32(text(nil, h.Magic), h.Version)
	out = binary.LittleEndian.AppendUint64(append(out, h.Profile), h.Process)
	out = binary.LittleEndian.AppendUint32(text(out, h.Thread), uint32(len(o.rows)))
	for _, r := range o.rows {
		out = binary.LittleEndian.AppendUint64(text(out, r.Name), r.Fingerprint)
	}
	return out
}

// between carries frames from a client to a server and back.
func (o *otherRelease) between(to, server net.Conn) {
	carry := func(from io.Reader, to net.Conn, change func(*wire.Frame)) {
		for {
			f, err := wire.ReadFrame(from)
			if err != nil {
				_ = to.Close()
				return
			}
			change(f)
			_, _ = to.Write(wire.AppendFrame(nil, f))
		}
	}
	go carry(to, server, func(f *wire.Frame) {
		if f.Kind == wire.Call {
			f.Service = o.number[f.Service]
		}
	})
	go carry(server, to, func(f *wire.Frame) {
		if f.Kind == wire.Hello {
			f.Body = o.hello(f.Body)
		}
	})
}

// A client calls every row of a server of another release. A row with the same fingerprint works as usual, and any
// other returns STATUS_NOT_SUPPORTED (W-5).
func TestChangedServiceRowIsNotSupported(t *testing.T) {
	equal, other, o := serve(t), serve(t), newOtherRelease()
	ours, theirs := net.Pipe()
	o.between(theirs, other.conn)
	c := check.Must(client.New(ours))
	defer c.Close()
	between := equal.connect()
	alike := 0
	for _, r := range wire.Rows() {
		want := ntstatus.NotSupported
		if o.same(r) {
			alike++
			_, want = between.Thread().CallRow(r.Row, r.NothingIn())
		}
		check.Equal(t, check.Status(c.Thread().CallRow(r.Row, r.NothingIn())), want, "calling %s", r.Info().Name)
	}
	if n := len(wire.Rows()); alike < n/2 || alike > n*4/5 {
		t.Errorf("%d of %d rows are the same in both releases, want between a half and four fifths", alike, n)
	}
}

// TestDescriptionHasFirstAndLastType checks the first and the last type of values, and the parameters of a row.
func TestDescriptionHasFirstAndLastType(t *testing.T) {
	d := wire.Describe()
	for _, name := range []string{"bool", "FsFullSizeInformation"} {
		check.That(t, d.Any[name] != nil, "no description of the type %s, want one", name)
	}
	row := d.Rows["LsaLookupNames2"]
	got := check.Must(json.Marshal([]any{row.In, row.Out, d.Structs["LsaLookupNames2In"]}))
	const want = `[{"struct":"LsaLookupNames2In"},{"struct":"LsaLookupNames2Out"},[["PolicyHandle","i64"],` +
		`["Flags","u32"],["Names",{"list":"string"}]]]`
	check.Equal(t, string(got), want, "parameters of LsaLookupNames2")
}
