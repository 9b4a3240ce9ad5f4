package kerberos

import (
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

	"github.com/refmon/refmon/internal/test/check"
)

// TestKDCCannotChooseWeakKeys checks both sides of each limit of the KDC's choices for the client's key (K-55).
func TestKDCCannotChooseWeakKeys(t *testing.T) {
	params := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	entry := func(etype int32, salt string, p []byte) []types.ETypeInfo2Entry {
		return []types.ETypeInfo2Entry{{EType: etype, Salt: salt, S2KParams: p}}
	}
	for name, c := range map[string]struct {
		requests int32
		infos    []types.ETypeInfo2Entry
		made     int32  // 0: refused
		times    uint32 // iterations
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
			b := check.Must(asn1.Marshal(types.ETypeInfo2(c.infos)))
			data = append(data, types.PAData{PADataType: paETypeInfo2, PADataValue: b})
		}
		x := exchange{realm: realm, etypes: []int32{18, 17, 20, 19}}
		var made int32
		var times uint32
		_, err := x.key("alice", c.requests, data, func(e int32, _ string, n uint32) (types.EncryptionKey, error) {
			made, times = e, n
			return secret, nil
		})
		check.That(t, made == c.made && times == c.times && (c.made == 0) == errors.Is(err, errParameters),
			"K-55: %s: type %d, %d times, %v, want %d, %d times", name, made, times, err, c.made, c.times)
	}
}

// TestResponseMustMatchRequest checks that each field of a decrypted response is compared with the request, and that
// the session key has an accepted type (K-55, K-56).
func TestResponseMustMatchRequest(t *testing.T) {
	x := exchange{realm: realm, etypes: []int32{18}, now: func() time.Time { return noon }}
	client, wanted := principal(1, "alice"), principal(2, service)
	for name, c := range map[string]struct {
		change func(*messages.EncKDCRepPart, *messages.KDCRepFields)
		want   error
	}{
		"as requested": {func(*messages.EncKDCRepPart, *messages.KDCRepFields) {}, nil},
		"names in another case": {func(p *messages.EncKDCRepPart, f *messages.KDCRepFields) {
			f.CName, p.SName = principal(1, "Alice"), principal(2, strings.ToLower(service))
		}, nil},
		"another nonce": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) { p.Nonce++ }, errAnotherAnswer},
		"another service": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) {
			p.SName = principal(2, "HTTP/other")
		}, errAnotherAnswer},
		"the service's realm": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) { p.SRealm = "OTHER.TEST" },
			errAnotherAnswer},
		"the client's realm": {func(_ *messages.EncKDCRepPart, f *messages.KDCRepFields) { f.CRealm = "OTHER.TEST" },
			errAnotherAnswer},
		"another client": {func(_ *messages.EncKDCRepPart, f *messages.KDCRepFields) { f.CName = principal(1, "bob") },
			errAnotherAnswer},
		"a weak session": {func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) { p.Key = rc4 }, errParameters},
		"a key of a type that is not allowed": {
			func(p *messages.EncKDCRepPart, _ *messages.KDCRepFields) { p.Key = short }, errParameters},
	} {
		body := check.Must(x.body(client, wanted))
		now := noon.Truncate(time.Second)
		part := messages.EncKDCRepPart{Key: older, LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: body.Nonce,
			Flags: types.NewKrbFlags(), AuthTime: now, StartTime: now, EndTime: now, RenewTill: now, SRealm: realm,
			SName: wanted}
		fields := messages.KDCRepFields{PVNO: 5, MsgType: 11, CRealm: realm, CName: client}
		c.change(&part, &fields)
		b, err := asn1.Marshal(part)
		check.NoError(t, err)
		fields.EncPart, err = crypto.GetEncryptedData(asn1tools.AddASNAppTag(b, 25), secret, usageASRep, 1)
		check.NoError(t, err)
		fields.Ticket = messages.Ticket{TktVNO: 5, Realm: realm, SName: wanted, EncPart: fields.EncPart}
		rep := messages.ASRep{KDCRepFields: fields} // without the types of the client's keys
		g, err := x.readLogOn("alice", check.Must(rep.Marshal()), &body,
			func(int32, string, uint32) (types.EncryptionKey, error) { return secret, nil })
		check.That(t, errors.Is(err, c.want) && (g == nil) == (c.want != nil),
			"K-55, K-56: %s: %v, want %v", name, err, c.want)
	}
}

// TestNoncesAreDistinctAndNonnegative checks that nonces and sequence numbers are not negative and differ each time,
// and that the requested end is in UTC (RFC 4120 5.2.3, 5.2.4, 5.4.1).
func TestNoncesAreDistinctAndNonnegative(t *testing.T) {
	x := exchange{realm: realm, etypes: []int32{18}, now: func() time.Time { return noon.In(time.FixedZone("", 3600)) }}
	o := opened{ticket: messages.EncTicketPart{Key: secret}}
	nonces, numbers := map[int]bool{}, map[int64]bool{}
	for range 48 {
		body, err := x.body(principal(1, "alice"), principal(2, service))
		if err != nil || body.Nonce < 0 || body.Nonce > 1<<31-1 || body.Realm != realm || len(body.KDCOptions.Bytes) != 4 ||
			body.CName.NameType != 1 || body.SName.NameType != 2 ||
			body.Till != noon.Truncate(time.Second).Add(10*time.Minute) || !slices.Equal(body.EType, x.etypes) {
			t.Fatalf("%+v, %v", body, err)
		}
		b, err := o.reply()
		var rep messages.APRep
		var part messages.EncAPRepPart
		check.RequireThat(t, err == nil && rep.Unmarshal(b) == nil && rep.EncPart.EType == 18, "%v", err)
		if b, err = crypto.DecryptEncPart(rep.EncPart, secret, 12); err != nil || part.Unmarshal(b) != nil {
			t.Fatal(err)
		}
		check.That(t, part.SequenceNumber >= 0 && part.SequenceNumber <= 1<<30-1,
			"K-48: sequence number %d, want 0 to 2^30-1", part.SequenceNumber)
		nonces[body.Nonce], numbers[part.SequenceNumber] = true, true
	}
	check.That(t, len(nonces) >= 40 && len(numbers) >= 40,
		"of 48 draws %d and %d differ, want at least 40, at least 40", len(nonces), len(numbers))
}
