package pac

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

// sealed seals alice's PAC after a change of its buffers.
func sealed(change func([]forge.Buffer) []forge.Buffer) []byte {
	return forge.Seal(change(alice().Buffers()), key(18))
}

// with replaces the data of the buffer of a type.
func with(kind uint32, change func([]byte) []byte) []byte {
	return sealed(func(all []forge.Buffer) []forge.Buffer {
		for i := range all {
			if all[i].Type == kind {
				all[i].Data = change(all[i].Data)
			}
		}
		return all
	})
}

func refused(t *testing.T, rule, name string, data []byte) {
	t.Helper()
	if p, err := Open(data, key(18)); !errors.Is(err, ErrInvalid) || p != nil {
		t.Errorf("%s: %s: %v, %v, want a refusal", rule, name, p, err)
	}
}

// entryOf returns the offset of the table's entry for a type.
func entryOf(data []byte, kind uint32) int {
	for i := range int(binary.LittleEndian.Uint32(data)) {
		if binary.LittleEndian.Uint32(data[8+16*i:]) == kind {
			return 8 + 16*i
		}
	}
	return -1
}

// TestFrameRefuses: tables that are too long, buffers outside, in the table, across one
// another, not aligned, and sums that overflow in 32 and 64 bits (K-1, K-2).
func TestFrameRefuses(t *testing.T) {
	le := binary.LittleEndian
	for name, change := range map[string]func(b []byte) []byte{
		"empty":                   func([]byte) []byte { return nil },
		"seven bytes":             func(b []byte) []byte { return b[:7] },
		"more than any":           func(b []byte) []byte { return append(b, make([]byte, MaxSize)...) },
		"another version":         func(b []byte) []byte { b[4] = 1; return b },
		"2^28 buffers":            func(b []byte) []byte { le.PutUint32(b, 0x10000000); return b },
		"2^28+2 buffers":          func(b []byte) []byte { le.PutUint32(b, 0x10000002); return b },
		"more buffers than room":  func(b []byte) []byte { le.PutUint32(b[:4:4], 60); return b[:300] },
		"a buffer in the table":   func(b []byte) []byte { le.PutUint64(b[16:], 8); return b },
		"a buffer behind the end": func(b []byte) []byte { le.PutUint64(b[16:], uint64(len(b)+8)&^7); return b },
		"an offset that wraps":    func(b []byte) []byte { le.PutUint64(b[16:], ^uint64(7)); return b },
		"an offset beyond 32 bits": func(b []byte) []byte {
			le.PutUint64(b[16:],
				le.Uint64(b[16:])|1<<32)
			return b
		},
		"a size that wraps":            func(b []byte) []byte { le.PutUint32(b[12:], ^uint32(0)); return b },
		"a buffer that is not aligned": func(b []byte) []byte { le.PutUint64(b[16:], le.Uint64(b[16:])+4); return b },
		"a buffer in another":          func(b []byte) []byte { le.PutUint64(b[32:], le.Uint64(b[16:])+8); return b },
	} {
		data := change(slices.Clone(forge.Seal(alice().Buffers(), key(18))))
		refused(t, "K-1", name, data)
		if _, err := split(data); err == nil && name != "a buffer in another" {
			t.Errorf("K-1: %s: the table was taken", name)
		}
	}
	for _, kind := range []uint32{forge.Server, forge.KDC, 16, 19} {
		twice := forge.Frame(append(forge.Split(forge.Seal(alice().Buffers(), key(18))),
			forge.Buffer{Type: kind, Data: make([]byte, 16)}, forge.Buffer{Type: kind, Data: make([]byte, 16)}))
		if _, err := split(twice); !errors.Is(err, ErrInvalid) {
			t.Errorf("K-2: a doubled signature of type %d: %v", kind, err)
		}
	}
}

// TestFrameBounds: each bound of the table from both sides, with nothing else wrong: a
// buffer begins behind the table at a multiple of eight, ends with the PAC at the latest,
// and the next one begins behind it (K-1).
func TestFrameBounds(t *testing.T) {
	type span struct{ at, size int }
	for name, c := range map[string]struct {
		total   int
		buffers []span
		ok      bool
	}{
		"no buffer":                        {8, nil, true},
		"behind the table":                 {40, []span{{24, 16}}, true},
		"in the last entry of the table":   {40, []span{{16, 8}}, false},
		"in the head":                      {40, []span{{0, 8}}, false},
		"to the end":                       {40, []span{{32, 8}}, true},
		"one byte behind the end":          {40, []span{{32, 9}}, false},
		"nothing at the end":               {40, []span{{40, 0}}, true},
		"nothing behind the end":           {40, []span{{48, 0}}, false},
		"a multiple of four":               {40, []span{{28, 4}}, false},
		"a multiple of two":                {40, []span{{26, 2}}, false},
		"one behind the other":             {56, []span{{40, 8}, {48, 8}}, true},
		"the second one first":             {56, []span{{48, 8}, {40, 8}}, true},
		"one byte in the other":            {56, []span{{40, 9}, {48, 8}}, false},
		"one byte in the other, backwards": {56, []span{{48, 8}, {40, 9}}, false},
		"the same bytes":                   {56, []span{{40, 8}, {40, 8}}, false},
		"one in the middle of another":     {64, []span{{40, 24}, {48, 8}}, false},
		"the third in the first":           {80, []span{{56, 24}, {64, 0}, {72, 8}}, false},
		"a table to the end":               {40, []span{{40, 0}, {40, 0}}, true},
		"a table one byte too long":        {39, []span{{40, 0}, {40, 0}}, false},
		"as many buffers as may be":        {8 + 16*64, make([]span, 64), true},
		"one more":                         {8 + 16*65, make([]span, 65), false},
		"as many bytes as may be":          {256 << 10, nil, true},
		"one byte more":                    {256<<10 + 1, nil, false},
	} {
		data := make([]byte, max(c.total, 8+16*len(c.buffers)))
		binary.LittleEndian.PutUint32(data, uint32(len(c.buffers)))
		for i, b := range c.buffers {
			if b == (span{}) {
				b.at = c.total
			}
			e := data[8+16*i:]
			binary.LittleEndian.PutUint32(e, 1000+uint32(i)) // none that is known
			binary.LittleEndian.PutUint32(e[4:], uint32(b.size))
			binary.LittleEndian.PutUint64(e[8:], uint64(b.at))
		}
		f, err := split(data[:c.total])
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("K-1: %s: %v, want it taken: %v", name, err, c.ok)
		}
		if c.ok && len(f.buffers) != len(c.buffers) {
			t.Errorf("K-1: %s: %d buffers of %d", name, len(f.buffers), len(c.buffers))
		}
	}
}

// TestSignatures: another key, any byte altered, checksums without a key, of another
// kind of key, of another length; a signature that is not there (K-11, K-12, K-13).
func TestSignatures(t *testing.T) {
	for _, kind := range keyTypes {
		k := key(kind)
		good := forge.Seal(alice().Buffers(), k)
		if _, err := Open(good, k); err != nil {
			t.Fatalf("key of type %d: %v", kind, err)
		}
		for i := range good {
			bad := slices.Clone(good)
			bad[i] ^= 1
			kdc := entryOf(good, forge.KDC)
			if at := int(binary.LittleEndian.Uint64(good[kdc+8:])); i >= at+4 && i < at+16 {
				continue // the KDC's signature, which a service cannot check
			}
			if _, err := Open(bad, k); err == nil {
				t.Fatalf("K-12: key of type %d: byte %d altered, and taken", kind, i)
			}
		}
		for _, o := range keyTypes {
			if _, err := Open(good, key(o)); o != kind && !errors.Is(err, ErrInvalid) {
				t.Errorf("K-13: signed with a key of type %d, read with one of type %d: %v", kind, o, err)
			}
		}
		for _, o := range keyTypes { // the same bytes as a key of another type
			if len(key(o).KeyValue) != len(k.KeyValue) || o == kind {
				continue
			}
			as := key(kind)
			as.KeyType = o
			_, err := Open(forge.Seal(alice().Buffers(), as), k)
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "and the ticket's key of type") {
				t.Errorf("K-13: the checksum of a key of type %d for one of type %d: %v", o, kind, err)
			}
		}
		wrong := key(kind)
		wrong.KeyValue[0] ^= 1
		if _, err := Open(good, wrong); !errors.Is(err, ErrInvalid) {
			t.Errorf("K-12: another key of type %d: %v", kind, err)
		}
	}
	good := forge.Seal(alice().Buffers(), key(18))
	server := int(binary.LittleEndian.Uint64(good[entryOf(good, forge.Server)+8:]))
	kdc := int(binary.LittleEndian.Uint64(good[entryOf(good, forge.KDC)+8:]))
	for _, unkeyed := range []uint32{1, 2, 7, 8, 9, 10, 13, 14, 0, 12, 17, 0xFFFFFF75, 0xFFFFFFFF} {
		for _, at := range []int{server, kdc} {
			bad := slices.Clone(good)
			binary.LittleEndian.PutUint32(bad[at:], unkeyed)
			refused(t, "K-11", "a checksum that needs no key", forge.Sign(bad, key(18)))
		}
	}
	for _, kind := range []uint32{forge.Server, forge.KDC} {
		without := slices.DeleteFunc(forge.Split(good), func(b forge.Buffer) bool { return b.Type == kind })
		refused(t, "K-12", "no signature", signed(without))
		for _, n := range []int{0, 3, 15, 17, 18, 20} {
			data := forge.Split(good)
			for i := range data {
				if data[i].Type == kind {
					data[i].Data = append(data[i].Data, 0, 0, 0, 0)[:n]
				}
			}
			if rodc := kind == forge.KDC && n == 18; rodc {
				if _, err := Open(signed(data), key(18)); err != nil {
					t.Errorf("K-12: the KDC signature of a read-only domain controller: %v", err)
				}
				continue
			}
			refused(t, "K-12", "a signature of another length", signed(data))
		}
	}
}

// signed puts the buffers together and signs them where they have room for it.
func signed(buffers []forge.Buffer) []byte {
	data := forge.Frame(buffers)
	if e := entryOf(data, forge.Server); e >= 0 && binary.LittleEndian.Uint32(data[e+4:]) >= 16 {
		return forge.Sign(data, key(18))
	}
	return data
}

// TestBuffersRefuse: each buffer, cut at every byte and with each byte altered, is read or
// refused, never more; those that a PAC must have are missed (K-3, K-4, K-6, K-7, K-10).
func TestBuffersRefuse(t *testing.T) {
	for _, b := range alice().Buffers() {
		for n := range b.Data {
			_, err := Open(with(b.Type, func(b []byte) []byte { return b[:n] }), key(18))
			if whole := b.Type != forge.Attributes; err == nil && whole && n < len(b.Data)-8 && n > 0 {
				t.Errorf("the first %d of %d bytes of the buffer of type %d are taken", n, len(b.Data), b.Type)
			}
		}
	}
	for _, kind := range []uint32{forge.LogonInfo, forge.ClientInfo} {
		refused(t, "K-2", "a buffer that must be there", sealed(func(all []forge.Buffer) []forge.Buffer {
			return slices.DeleteFunc(all, func(b forge.Buffer) bool { return b.Type == kind })
		}))
	}
	set := func(at int, v ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], v); return b }
	}
	for name, c := range map[string]struct {
		rule   string
		kind   uint32
		change func([]byte) []byte
	}{
		"big endian":                     {"K-3", forge.LogonInfo, set(1, 0)},
		"another version of NDR":         {"K-3", forge.LogonInfo, set(0, 2)},
		"more than there is":             {"K-3", forge.LogonInfo, set(8, 0xf8, 0xff)},
		"not a multiple of eight":        {"K-3", forge.LogonInfo, set(8, 0xfc, 0)},
		"no structure":                   {"K-3", forge.LogonInfo, set(16, 0, 0, 0, 0)},
		"a text of odd length":           {"K-4", forge.LogonInfo, set(68, 9)},
		"a text longer than its room":    {"K-4", forge.LogonInfo, set(70, 2)},
		"a text that is not there":       {"K-4", forge.LogonInfo, set(72, 0, 0, 0, 0)},
		"2^31 groups":                    {"K-4", forge.LogonInfo, set(128, 0, 0, 0, 0x80)},
		"three groups of two":            {"K-4", forge.LogonInfo, set(128, 3)},
		"no groups, and two":             {"K-4", forge.LogonInfo, set(132, 0, 0, 0, 0)},
		"no domain":                      {"K-4", forge.LogonInfo, set(172, 0, 0, 0, 0)},
		"a name longer than its buffer":  {"K-6", forge.ClientInfo, set(8, 12)},
		"a name shorter than its buffer": {"K-6", forge.ClientInfo, set(8, 8)},
		"a name of odd length": {"K-6", forge.ClientInfo,
			func(b []byte) []byte { b[8]--; return b[:len(b)-1] }},
		"a UPN in the fixed part":   {"K-7", forge.UPN, set(2, 8)},
		"a UPN behind the end":      {"K-7", forge.UPN, set(2, 0, 0xff)},
		"a UPN of odd length":       {"K-7", forge.UPN, set(0, 1)},
		"another revision":          {"K-7", forge.UPN, set(16, 9)},
		"a requestor and more":      {"K-4", forge.Requestor, func(b []byte) []byte { return append(b, 0) }},
		"attributes of no bits":     {"K-4", forge.Attributes, set(0, 0)},
		"attributes of 2^32-1 bits": {"K-4", forge.Attributes, set(0, 255, 255, 255, 255)},
	} {
		refused(t, c.rule, name, with(c.kind, c.change))
	}
}

// TestClaimsRefuse: formats that are not read, sizes beyond the bound, sets that are not
// well formed (K-8, K-10).
func TestClaimsRefuse(t *testing.T) {
	one := claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}
	set := forge.ClaimsSet([]claims.Attribute{one})
	many := make([]claims.Attribute, maxClaims+1)
	for i := range many {
		many[i] = claims.Attribute{Name: strings.Repeat("a", i+1)[:1] + string(rune(0x4e00+i)), Type: claims.Uint64,
			Uints: []uint64{1}}
	}
	upper := one
	upper.Name = "A"
	values := func(kind claims.Type, v ...uint64) []byte {
		return forge.Metadata(forge.ClaimsSet([]claims.Attribute{{Name: "a", Type: kind, Uints: v}}), 0, 0)
	}
	for name, c := range map[string]struct {
		rule string
		data []byte
	}{
		"LZNT1":                    {"K-8", forge.Metadata(set, 2, uint32(len(set)))},
		"plain LZ77":               {"K-8", forge.Metadata(set, 3, uint32(len(set)))},
		"an unknown format":        {"K-8", forge.Metadata(set, 5, uint32(len(set)))},
		"four gigabytes":           {"K-8", forge.Metadata(forge.Compress(set), 4, ^uint32(0))},
		"a byte over the bound":    {"K-8", forge.Metadata(forge.Compress(set), 4, maxClaimsSize+1)},
		"less than it says":        {"K-9", forge.Metadata(forge.Compress(set), 4, 1000)},
		"more than it says":        {"K-3", forge.Metadata(forge.Compress(set), 4, uint32(len(set)-8))},
		"two of one name":          {"K-10", forge.ClaimsBuffer([]claims.Attribute{one, upper}, false)},
		"too many":                 {"K-10", forge.ClaimsBuffer(many, false)},
		"a truth of two":           {"K-10", values(claims.Boolean, 2)},
		"a value twice":            {"K-10", values(claims.Uint64, 4, 4)},
		"no values":                {"K-10", values(claims.Uint64)},
		"a type for SIDs":          {"K-10", values(claims.SID, 4)},
		"a set of no bytes of NDR": {"K-3", forge.Metadata([]byte("eight by"), 0, 8)},
	} {
		if _, err := readClaims(c.data); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %s: %v, want a refusal", c.rule, name, err)
		}
		refused(t, c.rule, name, with(forge.ClientClaims, func([]byte) []byte { return c.data }))
		refused(t, c.rule, name, with(forge.DeviceClaims, func([]byte) []byte { return c.data }))
	}
	zeros := forge.Compress(make([]byte, maxClaimsSize)) // a few hundred bytes that become many
	if _, err := readClaims(forge.Metadata(zeros, 4, maxClaimsSize)); !errors.Is(err, ErrInvalid) ||
		len(zeros) > 4000 {
		t.Errorf("K-8: %d bytes: %v", len(zeros), err)
	}
}

// TestCheck: the name, the time, the domain and the requestor are those of the ticket's
// client; by delegation another may be the requestor where that is let in (K-14 to K-17).
func TestCheck(t *testing.T) {
	// A refusal says its own reason: another one would hide that this one is not seen.
	why := map[string]string{"K-14": "it was made for", "K-15": "make no user of a domain",
		"UPN":  "its names are those of",
		"K-16": "requested it, and the user is", "K-17": "requested it by delegation"}
	for name, c := range map[string]struct {
		rule   string
		change func(*forge.PAC, *Ticket)
	}{
		"":                       {"", func(*forge.PAC, *Ticket) {}},
		"no requestor":           {"", func(p *forge.PAC, _ *Ticket) { p.Requestor = sid.SID{} }},
		"another name":           {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "bob" }},
		"a name with a dollar":   {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "alice$" }},
		"a name in another case": {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "Alice" }},
		"a longer name":          {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "alice\x00" }},
		"another ticket's name":  {"K-14", func(_ *forge.PAC, t *Ticket) { t.Client = "alice/admin" }},
		"another time":           {"K-14", func(_ *forge.PAC, t *Ticket) { t.AuthTime = at.Add(time.Second) }},
		"a time before":          {"K-14", func(_ *forge.PAC, t *Ticket) { t.AuthTime = at.Add(-time.Second) }},
		"another requestor": {"K-16", func(p *forge.PAC, _ *Ticket) {
			p.Delegated, p.Requestor = nil, domain.WithRID(500)
		}},
		"a delegate": {"K-17", func(p *forge.PAC, _ *Ticket) { p.Requestor = domain.WithRID(500) }},
		"no domain":  {"K-15", func(p *forge.PAC, _ *Ticket) { p.Domain = sid.MustParse("S-1-5-32") }},
		"half a domain": {"K-15", func(p *forge.PAC,
			_ *Ticket) {
			p.Domain = sid.MustParse("S-1-5-21-1-2")
		}},
		"another authority": {"K-15", func(p *forge.PAC,
			_ *Ticket) {
			p.Domain = sid.MustParse("S-1-22-21-1-2-3")
		}},
		"no domain of four": {"K-15", func(p *forge.PAC,
			_ *Ticket) {
			p.Domain = sid.MustParse("S-1-5-80-1-2-3")
		}},
		"no user":                  {"K-15", func(p *forge.PAC, _ *Ticket) { p.User = 0 }},
		"names of another account": {"UPN", func(p *forge.PAC, _ *Ticket) { p.UPNSID = domain.WithRID(500) }},
		"names of another domain":  {"UPN", func(p *forge.PAC, _ *Ticket) { p.UPNSID = other.WithRID(1104) }},
		"names without a SID":      {"", func(p *forge.PAC, _ *Ticket) { p.UPNSID = sid.SID{} }},
		"the domain's own names":   {"UPN", func(p *forge.PAC, _ *Ticket) { p.UPNSID = domain }},
		"a delegate that is let in": {"", func(p *forge.PAC, t *Ticket) {
			p.Requestor, t.Delegated = domain.WithRID(500), true
		}},
		"another requestor, where delegates are let in": {"K-16", func(p *forge.PAC, t *Ticket) {
			p.Delegated, p.Requestor, t.Delegated = nil, domain.WithRID(500), true
		}},
	} {
		w, ticket := alice(), Ticket{Client: "alice", AuthTime: at}
		c.change(&w, &ticket)
		p, err := Open(forge.Seal(w.Buffers(), key(18)), key(18))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = p.Check(ticket)
		if errors.Is(err, ErrInvalid) != (c.rule != "") || err != nil && !strings.Contains(err.Error(), why[c.rule]) {
			t.Errorf("%s: %s: %v, want a refusal with %q", c.rule, name, err, why[c.rule])
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(forge.Frame(alice().Buffers()))
	f.Add(forge.Seal(alice().Buffers(), key(23)))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b)+maxClaimsSize, func() {
			s, err := split(b)
			if err != nil {
				return
			}
			if p, err := s.read(); (p == nil) == (err == nil) {
				t.Errorf("%v with %v", p, err)
			}
			_ = s.verify(key(18))
		})
	})
}

func FuzzClaims(f *testing.F) {
	f.Add(forge.ClaimsBuffer(alice().Claims, false))
	f.Add(forge.ClaimsBuffer(alice().DeviceClaims, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b)+maxClaimsSize, func() {
			if set, err := readClaims(b); err != nil && set != nil {
				t.Errorf("%v with %v", set, err)
			}
		})
	})
}
