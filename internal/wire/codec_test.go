package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
)

// TestWireHasEveryUserModeService checks that the wire has exactly the user-mode services (W-4).
func TestWireHasEveryUserModeService(t *testing.T) {
	rows := Rows()
	check.RequireThat(t, len(rows) == nt.NtTable.Len(),
		"wire has %d rows, want %d as the table", len(rows), nt.NtTable.Len())
	seen := map[uint64]string{}
	for i, r := range rows {
		name := r.Info().Name
		user := strings.HasPrefix(name, "Nt") || strings.HasPrefix(name, "Lsa")
		check.That(t, user && int(r.Service) == i && r.Info().Number == i,
			"row %d is %s with number %d, want a user-mode service with its row's number", i, name, r.Service)
		other := seen[r.Fingerprint]
		check.That(t, other == "", "%s and %s have the same fingerprint, want different ones", other, name)
		seen[r.Fingerprint] = name
	}
}

// TestRowsSurviveEncoding checks that random parameters of every row have the bytes and the JSON of docs/wire.md, and
// that these decode to the same parameters (W-10, W-36). Missing and extra bytes are errors (W-6).
func TestRowsSurviveEncoding(t *testing.T) {
	r := rand.New(rand.NewPCG(randtest.Seed(t), 0))
	text := func(v reflect.Value) []byte { return []byte(plainJSON(v)) }
	for range 20 {
		for _, row := range Rows() {
			for _, c := range []struct {
				of     reflect.Type
				plain  func(reflect.Value) []byte
				encode func([]byte, any) ([]byte, error)
				decode func([]byte) (any, error)
			}{
				{row.InType(), encode, row.AppendIn, row.DecodeIn}, {row.InType(), text, row.AppendInJSON, row.DecodeInJSON},
				{row.OutType(), encode, row.AppendOut, row.DecodeOut},
				{row.OutType(), text, row.AppendOutJSON, row.DecodeOutJSON},
			} {
				v := reflect.New(c.of).Elem()
				anyKind(r, v)
				want := c.plain(v)
				b, err := c.encode(nil, v.Interface())
				check.RequireThat(t, err == nil && bytes.Equal(b, want), "%s: %+v is encoded as %q, %v; want %q",
					row.Info().Name, v, b, err, want)
				got, err := c.decode(b)
				check.RequireThat(t, err == nil && bytes.Equal(c.plain(reflect.ValueOf(got)), want),
					"%s: %q decodes to %+v, %v; want %+v", row.Info().Name, b, got, err, v)
				for _, wrong := range [][]byte{b[:max(len(b)-1, 0)], append(b, 'x')} {
					if _, err := c.decode(wrong); len(wrong) > 0 && !errors.Is(err, ErrValue) {
						t.Fatalf("%s: decoding %d bytes of %d: %v, want %v", row.Info().Name, len(wrong), len(b), err, ErrValue)
					}
				}
			}
		}
	}
	codecs.mu.Lock()
	defer codecs.mu.Unlock()
	for of, c := range codecs.made { // each element of a list is charged at least c.least bytes (W-2)
		check.Equal(t, len(check.Must(c.put(nil, reflect.New(of).Elem()))), c.least, "bytes of the smallest %s", of)
	}
}

// checkRoundTrip checks that parameters have the same bytes after encoding and decoding.
func checkRoundTrip(t *testing.T, in any, encode func([]byte, any) ([]byte, error), decode func([]byte) (any, error)) {
	t.Helper()
	b := check.Must(encode(nil, in))
	again := check.Must(encode(nil, check.Must(decode(b))))
	check.RequireThat(t, bytes.Equal(again, b), "%+v is encoded as %q, and as %q once decoded", in, b, again)
}

// FuzzDecode decodes arbitrary bytes as the parameters of any row: no panic, memory in proportion to the bytes (W-2),
// and decoded values survive encoding.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(0), []byte{})
	f.Add(uint16(3), []byte{0xff, 0xff, 0xff, 0x7f}) // a list longer than the body
	f.Fuzz(func(t *testing.T, service uint16, b []byte) {
		row := Rows()[int(service)%len(Rows())]
		if in, err := row.DecodeIn(b); err == nil {
			checkRoundTrip(t, in, row.AppendIn, row.DecodeIn)
		}
	})
}

// FuzzJSON decodes arbitrary bytes as JSON parameters of any row: no panic, and decoded values survive both forms.
func FuzzJSON(f *testing.F) {
	f.Add(uint16(0), []byte(`{}`))
	for _, row := range Rows() {
		f.Add(row.Service, check.Must(row.AppendInJSON(nil, row.NothingIn())))
	}
	f.Fuzz(func(t *testing.T, service uint16, b []byte) {
		row := Rows()[int(service)%len(Rows())]
		in, err := row.DecodeInJSON(b)
		if err != nil {
			check.RequireThat(t, errors.Is(err, ErrValue), "%v", err)
			return
		}
		checkRoundTrip(t, in, row.AppendIn, row.DecodeIn)
		checkRoundTrip(t, in, row.AppendInJSON, row.DecodeInJSON)
	})
}
