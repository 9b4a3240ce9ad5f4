package authzen

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// example returns the types of the example.
func example(t testing.TB) *Types {
	t.Helper()
	file, err := os.ReadFile("../../examples/authzen/records.yaml")
	if err != nil {
		t.Fatal(err)
	}
	types, err := ReadTypes(file)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// records returns a server of the example's types, for a caller that may ask.
func records(t testing.TB, change ...func(*Config)) *Handler {
	t.Helper()
	cfg := Config{URL: "https://pdp.example.com", Evaluator: example(t).Asking(nil),
		Caller: func(*http.Request) (Caller, error) { return Caller{"service", "gateway"}, nil }}
	for _, f := range change {
		f(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// post sends a body of JSON and returns the status and the response's body.
func post(h http.Handler, path, body string, headers ...string) (int, string, http.Header) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String()), w.Header()
}
