package authzen_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/refmon/refmon/server/authzen"
)

// A server decides questions about the types of a file. Its clients authenticate with a secret.
func Example() {
	file, err := os.ReadFile("../../examples/authzen/records.yaml")
	if err != nil {
		panic(err)
	}
	types, err := authzen.ReadTypes(file)
	if err != nil {
		panic(err)
	}
	h, err := authzen.New(authzen.Config{URL: "https://pdp.example.com", Evaluator: types.Asking(nil),
		Caller: authzen.Bearer(map[string]authzen.Caller{"secret": {Type: "service", ID: "gateway"}})})
	if err != nil {
		panic(err)
	}

	r := httptest.NewRequest(http.MethodPost, authzen.EvaluationPath, strings.NewReader(`{
		"subject": {"type": "user", "id": "bob"},
		"action": {"name": "can_edit"},
		"resource": {"type": "record", "id": "record-1"}}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"decision":true}
}
