package bulk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/objects"
)

var errOneRight = errors.New("--format es-bulk supports a single right: request one, " +
	"without --count and --for-index")

// nobodySID is a term that no query contains. Without it, connectors' queries would show a document without terms to
// everybody (B-6).
const nobodySID = `"sid:S-1-0-0"`

// maxID is the longest document id, in bytes.
const maxID = 512

// appendDocument appends the index action and the document of an object. The closing brace is left to the caller. The
// argument terms has the SIDs with access, as JSON. Without terms the document has nobodySID, so that no user finds
// it. A path longer than maxID has its hash as id.
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
