package queries

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzParse checks that a question that parses has exactly one subject and as many documents as its path allows, and
// that it parses again after it was written.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"who":"alice","ids":["/srv/plan"],"right":"read","limit":"5s"}`))
	f.Add([]byte(`{"caller":true,"right":"read","form":"bitmap"}`))
	f.Add([]byte(`{"token":{"user":"S-1-5-21-1-2-3-1107"},"ids":["/a"]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for at, p := range paths {
			q, err := parse(b, p.needs)
			if err != nil {
				continue
			}
			if p.subject && q.Caller == (q.Who != "" || q.Token != nil) || p.most > 0 && len(q.IDs) == 0 ||
				len(q.IDs) > p.most {
				t.Errorf("%s: %+v", at, q)
			}
			_, _ = q.query() // must not panic
			text, err := json.Marshal(q)
			check.NoError(t, err)
			again, err := parse(text, p.needs)
			check.RequireThat(t, err == nil, "%s: %v", text, err)
			if again.Token, q.Token = nil, nil; !reflect.DeepEqual(q, again) { // encoding drops blanks in a token
				t.Errorf("%+v, read again %+v", q, again)
			}
		}
	})
}
