package kerberos

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"
)

// proof returns a client's long-term key of an encryption type, from a password or a keytab. salt and iterations come
// from the KDC and only affect keys derived from a password.
type proof func(etype int32, salt string, iterations uint32) (types.EncryptionKey, error)

// timestamp returns the pre-authentication data that proves possession of the key: the current time, encrypted. methods
// are the KDC's hints for the key. Malformed hints or parameters are an error. The time is that of x.now, in UTC.
func (x *exchange) timestamp(name string, methods []byte, key proof) (types.PAData, error) {
	var all types.PADataSequence
	if decode(&all, methods) != nil {
		return types.PAData{}, errAnswer
	}
	k, err := x.key(name, 0, all, key)
	if err != nil {
		return types.PAData{}, err
	}
	now := x.now().UTC()
	b, err := asn1.Marshal(types.PAEncTSEnc{PATimestamp: now, PAUSec: now.Nanosecond() / 1000})
	if err != nil {
		return types.PAData{}, err
	}
	sealed, err := crypto.GetEncryptedData(b, k, usageTimestamp, 0)
	if err != nil {
		return types.PAData{}, err
	}
	if b, err = sealed.Marshal(); err != nil {
		return types.PAData{}, err
	}
	return types.PAData{PADataType: paTimestamp, PADataValue: b}, nil
}

// Limits of deriving a key from a password. Fewer iterations than RFC 3962's default would make
// guessing cheap for an attacker who answers as the KDC. Millions would occupy this host.
const (
	leastIterations = 4096
	mostIterations  = 1 << 20
	maxSalt         = 1024
)

// defaultIterations returns the number of iterations if the KDC sends none (RFC 3962 4, RFC 8009 4). Other types than
// those two have leastIterations.
func defaultIterations(etype int32) uint32 {
	if etype == 19 || etype == 20 {
		return 32768
	}
	return leastIterations
}

// key returns the client's key for pre-authentication. etype is the encryption type, or 0 for the first accepted type
// in data, the KDC's lists. A later list must have that type and replaces salt and iterations. Without a list, etype
// must be set and the salt comes from name. Errors:
//   - a type that the KDC does not offer
//   - iterations below leastIterations, or a salt above maxSalt
//   - weak or expensive parameters
func (x *exchange) key(name string, etype int32, data types.PADataSequence, key proof) (types.EncryptionKey, error) {
	none := types.EncryptionKey{}
	salt, iterations := x.realm+strings.ReplaceAll(name, "/", ""), uint32(0)
	for _, d := range data {
		if d.PADataType != paETypeInfo2 {
			continue
		}
		var infos types.ETypeInfo2
		if decode(&infos, d.PADataValue) != nil {
			return none, errAnswer
		}
		i := slices.IndexFunc(infos, func(i types.ETypeInfo2Entry) bool {
			return slices.Contains(x.etypes, i.EType) && (etype == 0 || i.EType == etype)
		})
		if i < 0 {
			return none, errParameters
		}
		etype = infos[i].EType
		if infos[i].Salt != "" {
			salt = infos[i].Salt
		}
		switch p := infos[i].S2KParams; len(p) {
		case 0:
		case 4:
			if iterations = binary.BigEndian.Uint32(p); iterations < leastIterations {
				return none, errParameters
			}
		default:
			return none, errParameters
		}
	}
	if iterations == 0 {
		iterations = defaultIterations(etype)
	}
	// The KDC is not authenticated yet, so it may choose neither weak encryption, nor a key that is
	// cheap to guess, nor one that is expensive to derive (K-55).
	if !slices.Contains(x.etypes, etype) || iterations > mostIterations || len(salt) > maxSalt {
		return none, errParameters
	}
	return key(etype, salt, iterations)
}

// passwordKey returns a proof that derives keys from a password. The proof returns errParameters for an encryption
// type that is not supported, or for a malformed salt or iteration count.
func passwordKey(password string) proof {
	return func(etype int32, salt string, iterations uint32) (types.EncryptionKey, error) {
		e, err := crypto.GetEtype(etype)
		if err != nil {
			return types.EncryptionKey{}, errParameters
		}
		params := ""
		if etype != 23 {
			params = hex.EncodeToString(binary.BigEndian.AppendUint32(nil, iterations))
		}
		k, err := e.StringToKey(password, salt, params)
		if err != nil {
			return types.EncryptionKey{}, errParameters
		}
		return types.EncryptionKey{KeyType: etype, KeyValue: k}, nil
	}
}
