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

// proof makes a client's key of an encryption type; salt and iterations are the KDC's
// word, and matter for keys that come from a password only.
type proof func(etype int32, salt string, iterations uint32) (types.EncryptionKey, error)

// timestamp returns the data by which a client shows that it has the key.
func (x *exchange) timestamp(name string, methods []byte, key proof) (types.PAData, error) {
	var all types.PADataSequence
	if all.Unmarshal(methods) != nil {
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

// Bounds of the work for a key that comes from a password. Fewer iterations than the
// default of RFC 3962 would make guesses cheap for who answers as the KDC, and millions
// would keep us busy.
const (
	leastIterations = 4096
	mostIterations  = 1 << 20
	maxSalt         = 1024
)

// defaultIterations are those where the KDC says none (RFC 3962 4, RFC 8009 4).
func defaultIterations(etype int32) uint32 {
	if etype == 19 || etype == 20 {
		return 32768
	}
	return leastIterations
}

// key makes the client's key, of the first type of the KDC's list that is let in, or of
// one type.
func (x *exchange) key(name string, etype int32, data types.PADataSequence, key proof) (types.EncryptionKey, error) {
	none := types.EncryptionKey{}
	salt, iterations := x.realm+strings.ReplaceAll(name, "/", ""), uint32(0)
	for _, d := range data {
		if d.PADataType != paETypeInfo2 {
			continue
		}
		var infos types.ETypeInfo2
		if infos.Unmarshal(d.PADataValue) != nil {
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
	// A KDC chooses neither a weak type of encryption nor a key that is cheap to guess, nor one that
	// keeps us busy: who answers is not known yet. K-55
	if !slices.Contains(x.etypes, etype) || iterations > mostIterations || len(salt) > maxSalt {
		return none, errParameters
	}
	return key(etype, salt, iterations)
}

// passwordKey makes keys of a password.
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
