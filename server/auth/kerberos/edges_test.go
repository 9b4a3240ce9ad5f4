package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

// TestReasons: the record of each refusal has the documented status of its fault, and the client's
// name where a key opened the ticket (K-80).
func TestReasons(t *testing.T) {
	const named, unnamed = "alice", ""
	for name, c := range map[string]struct {
		want   ntstatus.Status
		client string
		change func(*forge.Ticket)
	}{
		"expired": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) { k.End = noon.Add(-time.Hour) }},
		"not yet valid": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.Start = noon.Add(time.Hour)
		}},
		"a late clock": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.At = noon.Add(-6 * time.Minute)
		}},
		"an early clock": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.At = noon.Add(6 * time.Minute)
		}},
		"before the start": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.At = started.Add(-time.Second)
		}},
		"a version that lacks": {ntstatus.MutualAuthFailed, unnamed, func(k *forge.Ticket) { k.Version = 4 }},
		"another key":          {ntstatus.MutualAuthFailed, unnamed, func(k *forge.Ticket) { k.Key = forge.NewKey(18) }},
		"RC4":                  {ntstatus.KDCUnknownEtype, unnamed, func(k *forge.Ticket) { k.Key = rc4 }},
		"an RC4 session":       {ntstatus.KDCUnknownEtype, unnamed, func(k *forge.Ticket) { k.SessionType = 23 }},
		"another channel":      {ntstatus.BadBindings, named, func(k *forge.Ticket) { k.Bindings = [16]byte{1} }},
		"NTLM": {ntstatus.NTLMBlocked, unnamed, func(k *forge.Ticket) {
			k.Mechanisms = [][]byte{forge.OIDNTLM}
		}},
		"a domain not let in": {ntstatus.TrustedDomainFailure, named, func(k *forge.Ticket) {
			k.ClientRealm = "OTHER.TEST" // a client of another realm as a user of our domain
		}},
		"no mechanism":       {ntstatus.InvalidParameter, unnamed, func(k *forge.Ticket) { k.Mechanisms = [][]byte{} }},
		"another's PAC":      {ntstatus.LogonFailure, named, func(k *forge.Ticket) { k.PAC = alicePAC(older, nil) }},
		"no PAC":             {ntstatus.LogonFailure, named, func(k *forge.Ticket) { k.PAC = nil }},
		"a ticket not valid": {ntstatus.LogonFailure, named, func(k *forge.Ticket) { k.Invalid = true }},
	} {
		k := ticket()
		c.change(&k)
		_, err := acceptor(t, nil).Accept(k.Blob(), Bindings("tls-server-end-point:x"))
		var r *Refusal
		if !errors.As(err, &r) || r.Status != ntstatus.LogonFailure || r.Reason != c.want || r.Client != c.client {
			t.Errorf("K-80: %s: %+v, want %v and the client %q", name, r, c.want, c.client)
		}
	}
}

// TestServes: a service counts in the realm of the configuration, and where services are named one of
// these alone, whatever else the keytab has (K-38).
func TestServes(t *testing.T) {
	for _, named := range [][]string{nil, {service}} {
		a := acceptor(t, func(c *Config) { c.Services = named })
		for _, c := range []struct {
			service, realm string
			want           bool
		}{
			{service, realm, true}, {strings.ToUpper(service), realm, true}, {service, "OTHER.TEST", false},
			{service, strings.ToLower(realm), false}, {"cifs/www.example.test", realm, named == nil},
			{"HTTP/other", realm, false}, {"", realm, false},
		} {
			if got := a.serves(c.service, c.realm); got != c.want {
				t.Errorf("K-38: %v named: %q in %q: %v, want %v", named, c.service, c.realm, got, c.want)
			}
		}
	}
}

// TestTriedKeys: a ticket without a version is opened by any of the service's first eight keys, and by
// no ninth one (K-34).
func TestTriedKeys(t *testing.T) {
	var all []forge.Entry
	for i := range 9 {
		all = append(all, forge.Entry{Service: service, Realm: realm, Version: uint32(i) + 1, Key: forge.NewKey(18)})
	}
	k, err := ParseKeytab(forge.Keytab(all...))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all {
		x := ticket()
		x.Version, x.Key, x.PAC = 0, e.Key, alicePAC(e.Key, nil)
		_, err := acceptor(t, func(c *Config) { c.Keys = k }).Accept(x.Blob(), nil)
		if (err == nil) != (i < 8) {
			t.Errorf("K-34: key %d of nine: %v", i+1, err)
		}
	}
}

// TestBehindMechanisms: what stands behind the list of mechanisms, or behind the token, is no offer (K-35).
func TestBehindMechanisms(t *testing.T) {
	k := ticket()
	k.Raw = true
	raw, more := k.Blob(), []byte{5, 0}
	spnego := []byte{6, 6, 0x2b, 6, 1, 5, 5, 2}
	list, octets := forge.DER(0x30, forge.OIDKerberos), forge.DER(4, raw)
	for name, c := range map[string]struct {
		types, token []byte
		ok           bool
	}{
		"as it is":         {list, octets, true},
		"behind the list":  {append(slices.Clone(list), more...), octets, false},
		"behind the token": {list, append(slices.Clone(octets), more...), false},
	} {
		fields := forge.DER(0x30, forge.DER(0xa0, c.types), forge.DER(0xa2, c.token))
		blob := forge.DER(0x60, spnego, forge.DER(0xa0, fields))
		if _, err := parseOuter(blob); (err == nil) != c.ok {
			t.Errorf("K-35: %s: %v", name, err)
		}
	}
}

// TestChecksums: a checksum of GSS has its flags, whatever is asked for beside the steps of DCE (K-44).
func TestChecksums(t *testing.T) {
	gss := func(n int, flags uint32) types.Checksum {
		b := binary.LittleEndian.AppendUint32(append([]byte{16, 0, 0, 0}, make([]byte, 16)...), flags)
		return types.Checksum{CksumType: gssChecksum, Checksum: append(b, make([]byte, 8)...)[:n]}
	}
	for name, c := range map[string]struct {
		sum types.Checksum
		ok  bool
	}{
		"none":                     {types.Checksum{}, true},
		"another's, without one":   {types.Checksum{CksumType: 16}, false},
		"twenty bytes":             {gss(20, 0), false},
		"twenty-three":             {gss(23, 0), false},
		"twenty-four":              {gss(24, 0), true},
		"with delegation":          {gss(32, 1), true},
		"DCE":                      {gss(24, 0x1000), false},
		"DCE and mutual, as it is": {gss(24, 0x1002), false},
	} {
		if _, err := readChecksum(c.sum); (err == nil) != c.ok {
			t.Errorf("K-44: %s: %v", name, err)
		}
	}
}

// TestTimes: a ticket that says no start begins when its client proved itself; each time is compared
// with this host's, not with the client's (K-41).
func TestTimes(t *testing.T) {
	o := opened{}
	o.ticket.AuthTime = noon
	if got := o.begins(); !got.Equal(noon) {
		t.Errorf("K-41: without a start it begins at %v", got)
	}
	k := ticket() // each clock by itself is right enough
	k.At, k.Start = noon.Add(-4*time.Minute), noon.Add(4*time.Minute)
	if _, err := acceptor(t, nil).Accept(k.Blob(), nil); err != nil {
		t.Errorf("K-41: a late clock, and a ticket that is valid soon: %v", err)
	}
}

// TestReplayRemembers: an authenticator is known for twice the skew, also once it is of the older half;
// one that cannot be noted is not let in; and each thing that it is known by counts (K-47).
func TestReplayRemembers(t *testing.T) {
	r, err := newReplay("", time.Minute, started)
	if err != nil {
		t.Fatal(err)
	}
	after := func(d time.Duration) time.Time { return started.Add(d) }
	for _, c := range []struct {
		key byte
		now time.Duration
		err error
	}{
		{1, 59 * time.Second, nil}, {2, 61 * time.Second, nil}, {3, 121 * time.Second, nil},
		{1, 122 * time.Second, errReplay}, {1, 150 * time.Second, errReplay}, {1, 178 * time.Second, errReplay},
		{3, 179 * time.Second, errReplay},
	} {
		if err := r.enter([16]byte{c.key}, noon, after(c.now)); !errors.Is(err, c.err) {
			t.Errorf("K-47: %d after %v: %v, want %v", c.key, c.now, err, c.err)
		}
	}
	broken, err := newReplay(t.TempDir(), time.Minute, started)
	if err != nil {
		t.Fatal(err)
	}
	broken.mu.Lock()
	_ = broken.notes.Close() // the disk is away
	broken.mu.Unlock()
	for range 2 {
		err := broken.enter([16]byte{1}, after(time.Minute), after(3*time.Second))
		if err == nil || errors.Is(err, errReplay) {
			t.Errorf("K-47: one that cannot be noted: %v", err)
		}
	}
	seen := map[[16]byte]int{}
	for i, k := range [][16]byte{identity("alice", "http/a", noon, []byte{1}), identity("bob", "http/a", noon, []byte{1}),
		identity("alice", "http/b", noon, []byte{1}), identity("alice", "http/a", noon.Add(time.Microsecond), []byte{1}),
		identity("alice", "http/a", noon, []byte{2}), identity("aliceh", "ttp/a", noon, []byte{1})} {
		if before, known := seen[k]; known {
			t.Errorf("K-47: %d is known as %d", i, before)
		}
		seen[k] = i
	}
}

// TestAnswerLength: an answer has a byte and at most 256 KiB, by its length alone (K-54).
func TestAnswerLength(t *testing.T) {
	for n, long := range map[uint32]bool{0: true, 1: false, 256 << 10: false, 256<<10 + 1: true} {
		k := forge.Centre{Realm: realm, Answer: func([]byte) []byte { return binary.BigEndian.AppendUint32(nil, n) }}
		address := k.Start()
		kdcs := KDCs{Addresses: []string{address}}
		_, err := kdcs.ask(context.Background(), realm, []byte{1})
		if err == nil || errors.Is(err, errLongAnswer) != long {
			t.Errorf("K-54: %d bytes: %v", n, err)
		}
		_ = k.Listener.Close()
	}
}

// TestChosenKey: each bound of what a KDC chooses for the client's key, from both sides (K-55).
func TestChosenKey(t *testing.T) {
	params := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	entry := func(etype int32, salt string, p []byte) []types.ETypeInfo2Entry {
		return []types.ETypeInfo2Entry{{EType: etype, Salt: salt, S2KParams: p}}
	}
	for name, c := range map[string]struct {
		asked int32
		infos []types.ETypeInfo2Entry
		made  int32  // 0: refused
		times uint32 // iterations
	}{
		"the default":             {0, entry(18, "s", nil), 18, 4096},
		"RFC 8009's default":      {0, entry(20, "s", nil), 20, 32768},
		"the fewest":              {0, entry(18, "s", params(4096)), 18, 4096},
		"one fewer":               {0, entry(18, "s", params(4095)), 0, 0},
		"none":                    {0, entry(18, "s", params(0)), 0, 0},
		"the most":                {0, entry(18, "s", params(1<<20)), 18, 1 << 20},
		"one more":                {0, entry(18, "s", params(1<<20+1)), 0, 0},
		"three bytes":             {0, entry(18, "s", []byte{0, 16, 0}), 0, 0},
		"five bytes":              {0, entry(18, "s", []byte{0, 0, 16, 0, 0}), 0, 0},
		"the longest salt":        {0, entry(18, strings.Repeat("s", 1024), nil), 18, 4096},
		"a longer salt":           {0, entry(18, strings.Repeat("s", 1025), nil), 0, 0},
		"weak":                    {0, entry(23, "s", nil), 0, 0},
		"weak, then strong":       {0, append(entry(23, "s", nil), entry(18, "s", nil)...), 18, 4096},
		"the type of the answer":  {18, entry(18, "s", nil), 18, 4096},
		"another than the answer": {18, entry(17, "s", nil), 0, 0},
		"no information":          {18, nil, 18, 4096},
		"no information, weak":    {23, nil, 0, 0},
		"no information, no type": {0, nil, 0, 0},
	} {
		var data types.PADataSequence
		if c.infos != nil {
			b, err := asn1.Marshal(types.ETypeInfo2(c.infos))
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, types.PAData{PADataType: paETypeInfo2, PADataValue: b})
		}
		x := exchange{realm: realm, etypes: []int32{18, 17, 20, 19}}
		var made int32
		var times uint32
		_, err := x.key("alice", c.asked, data, func(e int32, _ string, n uint32) (types.EncryptionKey, error) {
			made, times = e, n
			return secret, nil
		})
		if made != c.made || times != c.times || (c.made == 0) != errors.Is(err, errParameters) {
			t.Errorf("K-55: %s: type %d, %d times, %v, want %d, %d times", name, made, times, err, c.made, c.times)
		}
	}
}

// TestGranted: of an answer that the client's key opens each field is compared by itself with what was
// asked, and its session key is of a type that is let in (K-55, K-56).
func TestGranted(t *testing.T) {
	x := exchange{realm: realm, etypes: []int32{18}, now: func() time.Time { return noon }}
	client, wanted := principal(1, "alice"), principal(2, service)
	for name, c := range map[string]struct {
		change func(*messages.EncKDCRepPart, *messages.KDCRepFields)
		want   error
	}{
		"as it was asked": {func(*messages.EncKDCRepPart, *messages.KDCRepFields) {}, nil},
		"names in another case": {func(p *messages.EncKDCRepPart, f *messages.KDCRepFields) {
			f.CName, p.SName = principal(1, "Alice"), principal(2, strings.ToLower(service))
		}, nil},
		"another nonce": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) { p.Nonce++ }, errAnotherAnswer},
		"another service": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) {
			p.SName = principal(2, "HTTP/other")
		}, errAnotherAnswer},
		"the service's realm": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) {
			p.SRealm = "OTHER.TEST"
		}, errAnotherAnswer},
		"the client's realm": {func(_ *messages.EncKDCRepPart, f *messages.KDCRepFields) {
			f.CRealm = "OTHER.TEST"
		}, errAnotherAnswer},
		"another client": {func(_ *messages.EncKDCRepPart, f *messages.KDCRepFields) {
			f.CName = principal(1, "bob")
		}, errAnotherAnswer},
		"a weak session": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) { p.Key = rc4 }, errParameters},
		"one of a type that is not let in": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) {
			p.Key = short
		}, errParameters},
	} {
		body, err := x.body(client, wanted)
		if err != nil {
			t.Fatal(err)
		}
		now := noon.Truncate(time.Second)
		part := messages.EncKDCRepPart{Key: older, LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: body.Nonce,
			Flags: types.NewKrbFlags(), AuthTime: now, StartTime: now, EndTime: now, RenewTill: now, SRealm: realm,
			SName: wanted}
		fields := messages.KDCRepFields{CRealm: realm, CName: client}
		c.change(&part, &fields)
		b, err := asn1.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		fields.EncPart, err = crypto.GetEncryptedData(asn1tools.AddASNAppTag(b, 25), secret, usageASRep, 1)
		if err != nil {
			t.Fatal(err)
		}
		g, err := x.granted(&fields, &body, secret, usageASRep)
		if !errors.Is(err, c.want) || (g == nil) != (c.want != nil) {
			t.Errorf("K-55, K-56: %s: %v, want %v", name, err, c.want)
		}
	}
}

// TestAnswered: a service's answer has the time of our request to the microsecond, and a key of its own
// only of the session's type (K-60).
func TestAnswered(t *testing.T) {
	made := noon.Truncate(time.Second).Add(5 * time.Microsecond)
	for name, c := range map[string]struct {
		at  time.Time
		key types.EncryptionKey
		ok  bool
	}{
		"our time":              {made, types.EncryptionKey{}, true},
		"a second before":       {made.Add(-time.Second), types.EncryptionKey{}, false},
		"a second later":        {made.Add(time.Second), types.EncryptionKey{}, false},
		"a microsecond before":  {made.Add(-time.Microsecond), types.EncryptionKey{}, false},
		"a microsecond later":   {made.Add(time.Microsecond), types.EncryptionKey{}, false},
		"a key of its own":      {made, older, true},
		"a shorter key":         {made, short, false},
		"a weak key":            {made, rc4, false},
		"a key that is cut":     {made, types.EncryptionKey{KeyType: 18, KeyValue: older.KeyValue[:16]}, false},
		"a key of no such type": {made, types.EncryptionKey{KeyType: 99, KeyValue: older.KeyValue}, false},
	} {
		part := messages.EncAPRepPart{CTime: c.at.Truncate(time.Second), Cusec: c.at.Nanosecond() / 1000, Subkey: c.key,
			SequenceNumber: 7}
		b, err := asn1.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		own := &Context{session: secret, subkey: forge.NewKey(18), made: made}
		if err := own.answered(asn1tools.AddASNAppTag(b, 27)); (err == nil) != c.ok {
			t.Errorf("K-60: %s: %v", name, err)
		}
		if c.ok && (own.received != 7 || own.acceptor != (len(c.key.KeyValue) > 0)) {
			t.Errorf("K-60: %s: %+v", name, own)
		}
	}
}

// TestPasswordTicket: the ticket that a KDC gives for a right password is looked at as any other one: one
// that has expired or begins later proves nothing; the record names the service (K-50, K-53).
func TestPasswordTicket(t *testing.T) {
	now := noon.Truncate(time.Second)
	for name, c := range map[string]struct {
		change func(*forge.Ticket)
		want   ntstatus.Status // 0: it is taken
	}{
		"as it is":      {func(*forge.Ticket) {}, 0},
		"expired":       {func(k *forge.Ticket) { k.End = now.Add(-time.Hour) }, ntstatus.TimeDifferenceAtDC},
		"not yet valid": {func(k *forge.Ticket) { k.Start = now.Add(time.Hour) }, ntstatus.TimeDifferenceAtDC},
		"invalid":       {func(k *forge.Ticket) { k.Invalid = true }, ntstatus.LogonFailure},
	} {
		p := centre(t, func(k *forge.Centre) {
			k.Ticket = func(client string) *forge.Ticket {
				x := &forge.Ticket{Service: service, Realm: realm, Key: secret, Version: 1, Client: client, AuthTime: now,
					PAC: pacOf(secret)(client, now)}
				c.change(x)
				return x
			}
		}, func(cfg *Config) { cfg.Keys = oneKey(t) })
		got, err := p.Check(context.Background(), "alice", "wonderland")
		if c.want == 0 {
			if err != nil || !strings.Contains(got.Proof(), "with a ticket for "+service) ||
				got.Identity.User != domain.WithRID(1104) || got.Identity.PrimaryGroup == (sid.SID{}) {
				t.Errorf("K-50: %s: %v, %v", name, got, err)
			}
			continue
		}
		if _, why := reason(err); got != nil || why != c.want && !errors.Is(err, errAPReq) {
			t.Errorf("K-53: %s: %v: %v, want %v", name, why, err, c.want)
		}
	}
}
