package pac

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestAlteredPACIsRefused checks that a PAC is rejected with another key, any altered byte, an unkeyed checksum, a
// checksum of another key type or length, or a missing signature (K-11, K-12, K-13).
func TestAlteredPACIsRefused(t *testing.T) {
	for _, kind := range keyTypes {
		k := key(kind)
		good := forge.Seal(alice().Buffers(), k)
		_, err := Open(good, k)
		check.RequireThat(t, err == nil, "key of type %d: %v", kind, err)
		for i := range good {
			bad := slices.Clone(good)
			bad[i] ^= 1
			kdc := entryOf(good, forge.KDC)
			if at := int(binary.LittleEndian.Uint64(good[kdc+8:])); i >= at+4 && i < at+16 {
				continue // the KDC's signature, which a service cannot check
			}
			_, err := Open(bad, k)
			check.RequireThat(t, err != nil, "K-12: key of type %d: byte %d altered, and taken", kind, i)
		}
		for _, o := range keyTypes {
			if _, err := Open(good, key(o)); o != kind && !errors.Is(err, ErrInvalid) {
				t.Errorf("K-13: signed with a key of type %d, read with one of type %d: %v", kind, o, err)
			}
		}
		for _, o := range keyTypes { // the same bytes, used as a key of another type
			if len(key(o).KeyValue) != len(k.KeyValue) || o == kind {
				continue
			}
			as := key(kind)
			as.KeyType = o
			_, err := Open(forge.Seal(alice().Buffers(), as), k)
			check.That(t, errors.Is(err, ErrInvalid) && strings.Contains(err.Error(), "and the ticket's key of type"),
				"K-13: the checksum of a key of type %d for one of type %d: %v", o, kind, err)
		}
		wrong := key(kind)
		wrong.KeyValue[0] ^= 1
		check.ErrorIs(t, check.Err(Open(good, wrong)), ErrInvalid, "K-12: another key of type %d", kind)
	}
	good := forge.Seal(alice().Buffers(), key(18))
	server := int(binary.LittleEndian.Uint64(good[entryOf(good, forge.Server)+8:]))
	kdc := int(binary.LittleEndian.Uint64(good[entryOf(good, forge.KDC)+8:]))
	for _, unkeyed := range []uint32{1, 2, 7, 8, 9, 10, 13, 14, 0, 12, 17, 0xFFFFFF75, 0xFFFFFFFF} {
		for _, at := range []int{server, kdc} {
			bad := slices.Clone(good)
			binary.LittleEndian.PutUint32(bad[at:], unkeyed)
			checkRejected(t, "K-11", "a checksum that needs no key", forge.Sign(bad, key(18)))
		}
	}
	for _, kind := range []uint32{forge.Server, forge.KDC} {
		without := slices.DeleteFunc(forge.Split(good), func(b forge.Buffer) bool { return b.Type == kind })
		checkRejected(t, "K-12", "no signature", signBuffers(without))
		for _, n := range []int{0, 3, 15, 17, 18, 20} {
			data := forge.Split(good)
			for i := range data {
				if data[i].Type == kind {
					data[i].Data = append(data[i].Data, 0, 0, 0, 0)[:n]
				}
			}
			if rodc := kind == forge.KDC && n == 18; rodc {
				_, err := Open(signBuffers(data), key(18))
				check.That(t, err == nil, "K-12: the KDC signature of a read-only domain controller: %v", err)
				continue
			}
			checkRejected(t, "K-12", "a signature of another length", signBuffers(data))
		}
	}
}
