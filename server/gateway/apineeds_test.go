package gateway

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
)

// TestMissingFieldIsNamedWithItsPosition checks that the error of a batch names the question without a field (G-36).
func TestMissingFieldIsNamedWithItsPosition(t *testing.T) {
	object := &api.Object{Object: &api.Object_Path{Path: "/share/f"}}
	err := checkNeeds((&api.CheckBatchRequest{Checks: []*api.CheckRequest{{Object: object, Rights: everyRight},
		{Rights: everyRight}}}).ProtoReflect())
	check.RequireThat(t, err != nil, "a question without an object is accepted")
	check.Equal(t, err.Error(), `checks[1].object is missing: give {"path": "/TREE/FILE"} or {"sddl": "O:…"}`, "error")
}
