package authzen

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzRequest sends any body to both endpoints. The response to JSON is JSON, no input panics, and a question that is
// decoded has the members that encoding/json finds (Z-1, Z-2, Z-3).
func FuzzRequest(f *testing.F) {
	for _, body := range []string{whole,
		`{"evaluations":[` + whole + `,{}],"options":{"evaluations_semantic":"deny_on_first_deny"}}`,
		`{"subject":{"type":"\u00e4","id":"\ud83d\ude00"},"action":{"name":""},"resource":{"type":"","id":""}}`, `{"a":`,
		`[]`, "\xff"} {
		f.Add([]byte(body))
	}
	h := records(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{EvaluationPath, EvaluationsPath} {
			status, got, _ := post(h, path, string(body))
			check.RequireThat(t, status == 200 && json.Valid([]byte(got)) || status == 400 || status == 429,
				"%s: %d %s", path, status, got)
		}
		q, err := decodeOne(body)
		if err != nil {
			return
		}
		var twin map[string]json.RawMessage
		if err := json.Unmarshal(body, &twin); err != nil {
			t.Fatalf("encoding/json rejects the decoded text: %v", err)
		}
		for name, id := range map[string]string{"subject": q.Subject.ID, "resource": q.Resource.ID} {
			var e map[string]json.RawMessage
			var want string
			if json.Unmarshal(twin[name], &e) != nil || json.Unmarshal(e["id"], &want) != nil || want != id {
				t.Fatalf("%s.id is %q, want %q", name, id, want)
			}
		}
		var around map[string]json.RawMessage
		_ = json.Unmarshal(twin["context"], &around)
		for name, value := range around {
			if raw, ok := q.Context.lookup(name); !ok || !bytes.Equal(bytes.TrimSpace(raw), bytes.TrimSpace(value)) {
				t.Fatalf("context.%q is %q, want %q", name, raw, value)
			}
		}
	})
}

var _ http.Handler = (*Handler)(nil)
