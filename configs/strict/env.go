package strict

import (
	"errors"
	"fmt"
	"strings"
)

// expand replaces ${NAME} and ${NAME:default} in a value. What comes out of
// the environment is not looked at again, and never read as YAML.
func expand(text string, env Env) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errors.New("${ without a closing }")
		}
		name, fallback, hasFallback := strings.Cut(inside, ":")
		if !variableName(name) {
			return "", fmt.Errorf("${%s} does not name a variable of the environment; write ${NAME} or ${NAME:default}", name)
		}
		value, ok := env(name)
		switch {
		case ok:
			out.WriteString(value)
		case hasFallback:
			out.WriteString(fallback)
		default:
			return "", fmt.Errorf("the variable %s is not set in the environment; set it, or give a default: ${%s:default}", name, name)
		}
		text = after
	}
}

func variableName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
