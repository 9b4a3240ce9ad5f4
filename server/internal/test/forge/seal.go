package forge

import (
	"encoding/binary"
	"slices"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"
)

// SignatureTypes maps each encryption type to the type and length of its checksum.
var SignatureTypes = map[int32]struct {
	Type int32
	Size int
}{17: {15, 12}, 18: {16, 12}, 19: {19, 16}, 20: {20, 24}, 23: {-138, 16}}

// Seal returns a PAC of the buffers with a server signature by the key. The KDC signature is a dummy. It replaces
// signatures among the buffers.
func Seal(buffers []Buffer, key types.EncryptionKey) []byte {
	buffers = slices.DeleteFunc(slices.Clone(buffers), func(b Buffer) bool { return b.Type == Server || b.Type == KDC })
	s := SignatureTypes[key.KeyType]
	empty := make([]byte, 4+s.Size)
	binary.LittleEndian.PutUint32(empty, uint32(s.Type))
	kdc := append([]byte{16, 0, 0, 0}, "kdc's secret"...)
	data := Frame(append(buffers, Buffer{Server, empty}, Buffer{KDC, kdc}))
	return Sign(data, key)
}

// Sign returns a copy of a PAC with a new server signature. The PAC must be well formed and have space for it. A key
// of an unknown type panics.
func Sign(data []byte, key types.EncryptionKey) []byte {
	data = slices.Clone(data)
	zeroed := slices.Clone(data)
	at := 0
	for i := range binary.LittleEndian.Uint32(data) {
		e := data[8+16*i:]
		kind, size := binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:])
		offset := binary.LittleEndian.Uint64(e[8:])
		if kind == Server {
			at = int(offset) + 4
		}
		if size >= 4 && (kind == Server || kind == KDC) {
			n := 12
			for _, s := range SignatureTypes {
				if s.Type == int32(binary.LittleEndian.Uint32(data[offset:])) {
					n = s.Size
				}
			}
			clear(zeroed[offset+4 : min(offset+4+uint64(n), offset+uint64(size))])
		}
	}
	etype, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		panic(err)
	}
	sum, err := etype.GetChecksumHash(key.KeyValue, zeroed, 17)
	if err != nil {
		panic(err)
	}
	copy(data[at:], sum)
	return data
}

// Frame returns a PAC: the table of the buffers, then the buffers, each aligned to eight bytes.
func Frame(buffers []Buffer) []byte {
	table := binary.LittleEndian.AppendUint32(nil, uint32(len(buffers)))
	table = append(table, 0, 0, 0, 0)
	var body []byte
	for _, b := range buffers {
		table = binary.LittleEndian.AppendUint32(table, b.Type)
		table = binary.LittleEndian.AppendUint32(table, uint32(len(b.Data)))
		table = binary.LittleEndian.AppendUint64(table, uint64(8+16*len(buffers)+len(body)))
		body = append(body, b.Data...)
		for len(body)%8 != 0 {
			body = append(body, 0)
		}
	}
	return append(table, body...)
}

// Split returns copies of the buffers of a PAC. It panics if the PAC is malformed.
func Split(data []byte) (out []Buffer) {
	for i := range binary.LittleEndian.Uint32(data) {
		e := data[8+16*i:]
		size, at := uint64(binary.LittleEndian.Uint32(e[4:])), binary.LittleEndian.Uint64(e[8:])
		out = append(out, Buffer{binary.LittleEndian.Uint32(e), slices.Clone(data[at : at+size])})
	}
	return out
}
