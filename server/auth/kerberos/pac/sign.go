package pac

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"
)

// usage is the key usage of a PAC's signatures (MS-PAC 2.8.1).
const usage = 17

// keyed has the checksum types that need a key, with their length and the encryption type of the
// key. Anybody can compute other types (K-11).
var keyed = map[int32]struct {
	size    int
	keyType int32
}{
	-138: {16, 23}, // HMAC-MD5, RC4
	15:   {12, 17}, // HMAC-SHA1-96-AES128
	16:   {12, 18}, // HMAC-SHA1-96-AES256
	19:   {16, 19}, // HMAC-SHA256-128-AES128
	20:   {24, 20}, // HMAC-SHA384-192-AES256
}

// signature is one signature of a PAC with the position of its bytes.
type signature struct {
	kind   int32
	at, to int
}

// signature returns the signature of type k. ok is false if the PAC has none. An unkeyed or unknown checksum and a
// wrong length are errors. A KDC signature may have two more bytes from a read-only domain controller.
func (f *frame) signature(k kind) (s signature, ok bool, err error) {
	i := slices.IndexFunc(f.buffers, func(b buffer) bool { return b.kind == k })
	if i < 0 {
		return signature{}, false, nil
	}
	b := f.buffers[i]
	if b.to-b.at < 4 {
		return signature{}, false, fmt.Errorf("%w: signature %d of %d bytes", ErrInvalid, k, b.to-b.at)
	}
	s.kind = int32(binary.LittleEndian.Uint32(f.data[b.at:]))
	known, ok := keyed[s.kind]
	if !ok {
		// A checksum without a key proves nothing (K-11).
		return signature{}, false, fmt.Errorf("%w: signature %d has the checksum type %d, which no key makes", ErrInvalid,
			k, s.kind)
	}
	s.at, s.to = b.at+4, b.at+4+known.size
	// A read-only domain controller appends two bytes to its own signatures (K-12).
	if rodc := b.to - s.to; rodc != 0 && (rodc != 2 || k == kindServer) {
		return signature{}, false, fmt.Errorf("%w: signature %d of type %d has %d bytes", ErrInvalid, k, s.kind, b.to-b.at)
	}
	return s, true, nil
}

// verify checks the server signature of the raw bytes with the ticket's key. The KDC signature must be present, but a
// service has no key for it (K-12). The ticket and full signatures must be well-formed. A missing or malformed
// signature, a checksum type that does not fit the key, and a wrong checksum are ErrInvalid.
func (f *frame) verify(key types.EncryptionKey) error {
	server, ok, err := f.signature(kindServer)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: it has no server signature", ErrInvalid)
	}
	kdc, ok, err := f.signature(kindKDC)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: it has no KDC signature", ErrInvalid)
	}
	for _, k := range []kind{kindTicket, kindFull} { // older KDCs do not write these
		if _, _, err := f.signature(k); err != nil {
			return err
		}
	}
	// The checksum type must match the key, so that no weaker type is accepted (K-13).
	if keyed[server.kind].keyType != key.KeyType {
		return fmt.Errorf("%w: the server signature is of type %d, and the ticket's key of type %d", ErrInvalid,
			server.kind, key.KeyType)
	}
	etype, err := crypto.GetChksumEtype(server.kind)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	signed := slices.Clone(f.data)
	clear(signed[server.at:server.to])
	clear(signed[kdc.at:kdc.to])
	want, err := etype.GetChecksumHash(key.KeyValue, signed, usage)
	if err != nil {
		return fmt.Errorf("%w: signature of type %d: %w", ErrInvalid, server.kind, err)
	}
	if !hmac.Equal(want, f.data[server.at:server.to]) { // in constant time
		return fmt.Errorf("%w: the server signature is not that of these bytes", ErrInvalid)
	}
	return nil
}
