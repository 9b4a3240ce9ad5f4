package bulk

import (
	"encoding/binary"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestDamagedKeyIsRefused checks that parseKey decodes what keyOf encodes, and refuses every truncation of it and a
// damaged descriptor of a folder.
func TestDamagedKeyIsRefused(t *testing.T) {
	folder, d := sddl.MustParse("D:(A;;FX;;;WD)").Binary(), sddl.MustParse("D:(A;;FR;;;WD)").Binary()
	text := string(binary.LittleEndian.AppendUint32(nil, uint32(len(folder)))) + string(folder)
	key := keyOf(&objects.Object{Type: winnt.DirectoryServiceObject, Form: objects.FormBinary, SD: d,
		Way: check.Must(objects.ParseWay(text))})
	x := check.Must(parseKey(key, sid.SID{}))
	check.That(t, x.typ == winnt.DirectoryServiceObject && x.way.Text() == text && string(x.d.Binary()) == string(d),
		"%q gives type %v, way %q, descriptor %x, want %x", key, x.typ, x.way.Text(), x.d.Binary(), d)
	for n := range key {
		check.That(t, check.Err(parseKey(key[:n], sid.SID{})) != nil, "the first %d bytes of %q are a key", n, key)
	}
	bad := []byte(key)
	bad[len(key)-len(d)-len(folder)] = 0 // the revision of the folder's descriptor
	check.That(t, check.Err(parseKey(string(bad), sid.SID{})) != nil, "%q is a key", bad)
}
