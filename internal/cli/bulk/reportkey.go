package bulk

import (
	"encoding/binary"
	"fmt"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// keyOf returns a key for an object's descriptor with its form, its type and the folders on its way. parseKey decodes
// it.
func keyOf(o *objects.Object) string {
	way := o.Way.Text()
	key := append(append([]byte{byte(o.Form)}, objects.TypeName(o.Type)...), 0)
	key = append(binary.LittleEndian.AppendUint32(key, uint32(len(way))), way...)
	return string(append(key, o.SD...))
}

// parseKey parses an aggregate's key into object type, traverse rights and descriptor. A key without a type has a nil
// type. Any other text, malformed traverse rights and a malformed descriptor are errors.
func parseKey(text string, domain sid.SID) (x place, err error) {
	for i := range len(text) {
		if text[i] != 0 || i == 0 {
			continue
		}
		x.typ = winnt.ObjectTypeByName(text[1:i])
		rest := text[i+1:]
		if len(rest) < 4 || int(binary.LittleEndian.Uint32([]byte(rest[:4]))) > len(rest)-4 {
			break
		}
		way := int(binary.LittleEndian.Uint32([]byte(rest[:4])))
		if x.way, err = objects.ParseWay(rest[4 : 4+way]); err != nil {
			return x, err
		}
		x.d, err = (&objects.Object{Form: objects.Form(text[0]), SD: []byte(rest[4+way:])}).Descriptor(domain)
		return x, err
	}
	return x, fmt.Errorf("%q is not a key", text)
}
