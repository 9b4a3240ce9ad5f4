package bulk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
)

var errOneRight = errors.New("--format es-bulk lists those who have one right: ask for one, " +
	"without --count and --for-index")

// nobodySID is a term that no query holds: a document without terms, or without the
// field, is everybody's in the queries that connectors use (B-6).
const nobodySID = `"sid:S-1-0-0"`

// maxID is how many bytes the id of a document may have.
const maxID = 512

// appendDocument appends the action and the document of an object, without its
// last brace. terms are the SIDs of those who may, as JSON, empty if
// no principal may.
func appendDocument(dst []byte, o *objects.Object, terms []byte) []byte {
	dst = append(dst, `{"index":{"_id":`...)
	if len(o.Path) <= maxID {
		dst = appendPath(dst, o)
	} else {
		sum := sha256.Sum256(o.Path)
		dst = batch.AppendString(dst, "sha256:"+hex.EncodeToString(sum[:]))
	}
	dst = appendPath(append(dst, "}}\n{\"path\":"...), o)
	dst = append(dst, `,"_allow_access_control":[`...)
	if len(terms) == 0 {
		dst = append(dst, nobodySID...)
	}
	return append(append(dst, terms...), ']')
}
