package kerberos

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/check"
)

// TestPasswordKeyDerivation checks that the salt is the KDC's, or realm and name if the KDC sends none, and that the
// key is derived by RFC 3962 or RFC 4757 (K-55).
func TestPasswordKeyDerivation(t *testing.T) {
	x := exchange{realm: realm, etypes: []int32{18, 19, 20, 23}}
	info := func(etype int32, salt string) types.PAData {
		b := check.Must(asn1.Marshal(types.ETypeInfo2{{EType: etype, Salt: salt}}))
		return types.PAData{PADataType: paETypeInfo2, PADataValue: b}
	}
	for _, c := range []struct {
		name string
		data types.PADataSequence
		etyp int32
		salt string
		made int32
	}{
		{"alice", nil, 18, realm + "alice", 18}, {"HTTP/www", nil, 18, realm + "HTTPwww", 18},
		{"alice", nil, 19, realm + "alice", 19}, {"alice", nil, 20, realm + "alice", 20},
		{"alice", types.PADataSequence{info(18, "")}, 0, realm + "alice", 18},
		{"alice", types.PADataSequence{info(18, "salt")}, 0, "salt", 18},
		{"alice", types.PADataSequence{{PADataType: 11, PADataValue: []byte{1}}, info(18, "salt")}, 18, "salt", 18},
		{"alice", types.PADataSequence{info(23, "salt")}, 0, "salt", 23},
	} {
		_, err := x.key(c.name, c.etyp, c.data, func(etype int32, salt string, n uint32) (types.EncryptionKey, error) {
			check.That(t, etype == c.made && salt == c.salt,
				"K-55: a key of type %d with the salt %q, want %d and %q", etype, salt, c.made, c.salt)
			want := map[int32]uint32{18: 4096, 19: 32768, 20: 32768, 23: 4096}[etype]
			check.Equal(t, n, want, "K-55: iterations of type %d", etype)
			return secret, nil
		})
		check.That(t, err == nil, "K-55: %s: %v", c.name, err)
	}
	broken := types.PADataSequence{{PADataType: paETypeInfo2, PADataValue: []byte{1}}}
	check.ErrorIs(t, check.Err(x.key("alice", 18, broken, passwordKey("w"))), errAnswer,
		"K-55: key with malformed parameters")
	// RFC 3962, appendix B: 1,200 iterations of "password" with the salt "ATHENA.MIT.EDUraeburn"; RFC 4757 4.
	for etype, want := range map[int32]string{17: "4c01cd46d632d01e6dbe230a01ed642a",
		18: "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a", 23: "8846f7eaee8fb117ad06bdd830b7586c"} {
		k, err := passwordKey("password")(etype, "ATHENA.MIT.EDUraeburn", 1200)
		check.That(t, err == nil && k.KeyType == etype && fmt.Sprintf("%x", k.KeyValue) == want,
			"K-55: type %d: %x, %v, want %s", etype, k.KeyValue, err, want)
	}
	check.ErrorIs(t, check.Err(passwordKey("password")(99, "s", 4096)), errParameters, "K-55: an unknown type")
}

// TestTimestampIsInUTC checks that the pre-authentication data has the time of now in UTC, as RFC 4120 5.2.3 requires,
// and its microseconds.
func TestTimestampIsInUTC(t *testing.T) {
	x := exchange{realm: realm, etypes: []int32{18}, now: func() time.Time { return noon.In(time.FixedZone("", 3600)) }}
	hints := check.Must(asn1.Marshal(types.ETypeInfo2{{EType: 18}}))
	methods := check.Must(asn1.Marshal(types.PADataSequence{{PADataType: paETypeInfo2, PADataValue: hints}}))
	key := func(int32, string, uint32) (types.EncryptionKey, error) { return secret, nil }
	data := check.Must(x.timestamp("alice", methods, key))
	var sealed types.EncryptedData
	check.NoError(t, sealed.Unmarshal(data.PADataValue))
	b := check.Must(crypto.DecryptEncPart(sealed, secret, usageTimestamp))
	var at types.PAEncTSEnc
	check.NoError(t, at.Unmarshal(b))
	check.That(t, bytes.Contains(b, []byte("20260102120000Z")) && at.PAUSec == 123456, "%q, %d µs, want %v", b, at.PAUSec,
		noon)
}
