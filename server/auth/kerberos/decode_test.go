package kerberos

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// deep returns n nested sequences. wide returns one sequence with n authorization data entries.
func deep(n int) (b []byte) {
	for range n {
		b = forge.DER(0x30, b)
	}
	return b
}

func wide(n int) []byte {
	entry := forge.DER(0x30, forge.DER(0xa0, []byte{2, 1, 1}), forge.DER(0xa1, []byte{4, 0}))
	return forge.DER(0x30, bytes.Repeat(entry, n))
}

// panics is a decoder that panics.
type panics struct{}

func (panics) Unmarshal(b []byte) error { _ = b[len(b)]; return nil }

// TestLibraryReadsBoundedInput checks that oversized, too deep and too large messages do not reach
// the library, and that its panics become errors (K-88).
func TestLibraryReadsBoundedInput(t *testing.T) {
	for name, c := range map[string]struct {
		b  []byte
		ok bool
	}{
		"nothing": {nil, false}, "no length": {[]byte{0x30}, false}, "half a length": {[]byte{0x30, 0x82, 1}, false},
		"a few entries": {wide(400), true},
		"many entries":  {wide(100_000), false}, "one entry too many": {wide(maxElements/5 + 1), false},
		"2,048 elements": {forge.DER(0x30, bytes.Repeat([]byte{5, 0}, 2047)), true},
		"2,049 elements": {forge.DER(0x30, bytes.Repeat([]byte{5, 0}, 2048)), false},
		"deep":           {deep(maxNesting), true}, "too deep": {deep(maxNesting + 1), false},
		"much too deep":                     {deep(5000), false},
		"a length beyond the end":           {[]byte{0x30, 3, 4, 0}, false},
		"an inner length beyond":            {[]byte{0x30, 4, 4, 3, 0, 0}, false},
		"an indefinite length":              {[]byte{0x30, 0x80, 0, 0}, false},
		"an indefinite length of 128 bytes": {append([]byte{4, 0x80}, make([]byte, 128)...), false},
		"a length of five bytes":            {[]byte{0x30, 0x85, 0, 0, 0, 0, 0}, false},
		"a length of two GiB":               {[]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0}, false},
		"a length of four bytes":            {[]byte{4, 0x84, 0, 0, 0, 1, 7}, true},
		"a tag of more bytes":               {[]byte{0x3f, 0x81, 1, 0}, false},
		"filling":                           {append(wide(1), 0, 0, 0), true},
		"trailing bytes":                    {append(wide(1), 1), false},
		"the longest message":               {forge.DER(4, make([]byte, MaxBlob-5)), true},
		"too long":                          {forge.DER(4, make([]byte, MaxBlob)), false},
	} {
		check.Equal(t, isBoundedDER(c.b), c.ok, "K-88: %s is within the bounds", name)
		var v types.AuthorizationData
		if err := decode(&v, c.b); !c.ok && (!errors.Is(err, errDER) || len(v) > 0) {
			t.Errorf("K-88: %s: the library read %d entries, %v, want 0 and errDER", name, len(v), err)
		}
	}
	err := decode(panics{}, []byte{5, 0})
	check.That(t, err != nil, "K-88: decode with a panic of the library: no error, want one")
}

// TestKeysMustHaveTheirSize checks that ticket and session keys must have the documented size of their encryption
// type: 32 bytes for aes256-cts-hmac-sha384-192 (RFC 8009 3), 16 for the 128-bit types (K-39).
func TestKeysMustHaveTheirSize(t *testing.T) {
	for kind, size := range map[int32]int{17: 16, 18: 32, 19: 16, 20: 32} {
		key := forge.NewKey(kind)
		k := ticket()
		k.Key, k.Version, k.PAC, k.Mutual = key, 3, alicePAC(key, nil), true
		a := acceptor(t, func(c *Config) {
			keys, err := ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 3, Key: key}))
			check.NoError(t, err)
			c.Keys = keys
		})
		if c, err := a.Accept(k.Blob(), nil); err != nil || len(k.SessionKey.KeyValue) != size || c.Name != "alice" {
			t.Errorf("K-39: type %d: %v, %v, a session key of %d bytes, want %d",
				kind, c, err, len(k.SessionKey.KeyValue), size)
		}
		other := k.Ticket().EncPart
		other.EType = 23
		check.ErrorIs(t, check.Err(decrypt(other, key, usageTicket)), errAPReq, "K-39: data of type 23 by type %d", kind)
		for _, wrong := range [][]byte{key.KeyValue[1:], append([]byte{7}, key.KeyValue...)} {
			_, err := decrypt(k.Ticket().EncPart, types.EncryptionKey{KeyType: kind, KeyValue: wrong}, usageTicket)
			check.ErrorIs(t, err, errAPReq, "K-39: type %d with a key of %d bytes", kind, len(wrong))
		}
	}
}

// decodes fuzzes one decoder of the library as our code calls it: no panic, bounded memory, and no
// input beyond the limits.
func decodes[T any, P interface {
	*T
	decoder
}](f *testing.F, seeds ...[]byte) {
	for _, s := range append(seeds, wide(3), deep(5), []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			var v T
			if err := decode(P(&v), b); err == nil && !isBoundedDER(b) {
				t.Errorf("K-88: decode accepted %x, want an error: it is not bounded DER", b)
			}
		})
	})
}

func FuzzAPReq(f *testing.F) {
	k := ticket()
	decodes[messages.APReq](f, k.Request())
}

func FuzzEncTicketPart(f *testing.F) {
	k := ticket()
	b := check.Must(decrypt(k.Ticket().EncPart, secret, usageTicket))
	decodes[messages.EncTicketPart](f, b)
}

func FuzzAuthenticator(f *testing.F) {
	k := ticket()
	var req messages.APReq
	check.NoError(f, req.Unmarshal(k.Request()))
	b := check.Must(decrypt(req.EncryptedAuthenticator, k.SessionKey, usageAuthenticator))
	decodes[types.Authenticator](f, b)
}

func FuzzAuthorizationData(f *testing.F) { decodes[types.AuthorizationData](f) }
func FuzzPADataSequence(f *testing.F)    { decodes[types.PADataSequence](f) }
func FuzzETypeInfo2(f *testing.F)        { decodes[types.ETypeInfo2](f) }
func FuzzASRep(f *testing.F)             { decodes[messages.ASRep](f, forge.DER(0x6b, wide(1))) }
func FuzzTGSRep(f *testing.F)            { decodes[messages.TGSRep](f, forge.DER(0x6d, wide(1))) }
func FuzzKRBError(f *testing.F)          { decodes[messages.KRBError](f, forge.DER(0x7e, wide(1))) }
func FuzzEncKDCRepPart(f *testing.F)     { decodes[messages.EncKDCRepPart](f, forge.DER(0x79, wide(1))) }
func FuzzAPRep(f *testing.F)             { decodes[messages.APRep](f, forge.DER(0x6f, wide(1))) }
func FuzzEncAPRepPart(f *testing.F)      { decodes[messages.EncAPRepPart](f, forge.DER(0x7b, wide(1))) }

// FuzzDecrypt passes any ciphertext of each encryption type to the library: it does not panic, and decrypts only what
// the key sealed.
func FuzzDecrypt(f *testing.F) {
	f.Add(int32(18), []byte("any bytes that are long enough for a confounder and a checksum"))
	f.Add(int32(23), make([]byte, 25))
	f.Add(int32(17), make([]byte, 29))
	f.Fuzz(func(t *testing.T, etype int32, cipher []byte) {
		e, err := crypto.GetEtype(etype)
		if err != nil {
			return
		}
		k := types.EncryptionKey{KeyType: etype, KeyValue: make([]byte, keySize(e))}
		b, err := decrypt(types.EncryptedData{EType: etype, Cipher: cipher}, k, usageTicket)
		check.That(t, err != nil, "K-40: decrypt of %x = %x, want an error", cipher, b)
	})
}

// FuzzKeyOfPassword gives a KDC's salt and parameters to the library: no panic, and a key of the right length or none
// (K-55).
func FuzzKeyOfPassword(f *testing.F) {
	f.Add(int32(18), "EXAMPLE.TESTalice", []byte{0, 0, 0x10, 0})
	f.Add(int32(23), "", []byte{})
	f.Fuzz(func(t *testing.T, etype int32, salt string, parameters []byte) {
		if len(parameters) == 4 && hex.EncodeToString(parameters) > "00002000" {
			return // more iterations are within the limit and would take the whole run
		}
		x := exchange{realm: realm, etypes: []int32{17, 18, 19, 20, 23}}
		infos, err := asn1.Marshal(types.ETypeInfo2{{EType: etype, Salt: salt, S2KParams: parameters}})
		if err != nil {
			return
		}
		k, err := x.key("alice", 0, types.PADataSequence{{PADataType: paETypeInfo2, PADataValue: infos}}, passwordKey("w"))
		if err != nil {
			return
		}
		if e, err := crypto.GetEtype(k.KeyType); err != nil || len(k.KeyValue) != keySize(e) {
			t.Errorf("K-55: a key of %d bytes for type %d, want the size of the type", len(k.KeyValue), k.KeyType)
		}
	})
}
