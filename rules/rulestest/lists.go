package rulestest

import "fmt"

// window writes a window.
func (w *writer) window() string {
	entity := w.one("card", "card", "merchant")
	span := w.one(
		`last("10m")`, `last("1m")`, `last("1h")`, `last("1d")`, `last("1s")`, `last("7d")`, `last("30d")`,
		`newest(1)`, `newest(3)`, `newest(10)`, `between("1h", "10m")`, `between("14d", "1m")`, `between("1d", "0s")`)
	return entity + "." + span
}

// events writes a list of past events.
func (w *writer) events(depth int) string {
	if w.stop(depth) || w.IntN(2) == 0 {
		return w.window()
	}
	if w.element != "" || w.IntN(4) == 0 {
		return call("reverse", w.events(depth-1))
	}
	return call("filter", w.events(depth-1), w.inside("event", func() string { return w.boolean(depth - 1) }))
}

// list writes a list of either sort, and says what its elements are.
func (w *writer) list(depth int) (list, element string) {
	if w.IntN(4) > 0 {
		return w.events(depth), "event"
	}
	element = w.one("bool", "int", "float", "text", "time")
	return w.values(element, depth), element
}

// values writes a list of scalars.
func (w *writer) values(element string, depth int) string {
	d := depth - 1
	switch {
	case depth > 0 && w.IntN(4) == 0:
		return call("filter", w.values(element, d), w.inside(element, func() string { return w.boolean(d) }))
	case depth > 0 && w.IntN(6) == 0:
		return call("reverse", w.values(element, d))
	case depth > 0 && w.IntN(6) == 0:
		return call("map", w.values(element, d), w.inside(element, func() string { return w.of(element, d) }))
	}
	return call("map", w.events(d), w.projection(element, d))
}

// projection writes a scalar of the past event: most often just a column.
func (w *writer) projection(element string, depth int) string {
	if depth > 0 && w.IntN(4) == 0 {
		return w.inside("event", func() string { return w.of(element, depth) })
	}
	switch element {
	case "bool":
		return "." + w.one("chip", "fraud")
	case "int":
		return "." + w.one("items", "amount_minor", "hour", "weekday")
	case "float":
		return "." + w.one("amount", "amount", "amount", "fee", "risk", "risk", "seconds_ago")
	case "time":
		return "." + w.one("time", "opened")
	}
	return "." + w.one("card", "merchant", "country", "currency", "verdict")
}

// of writes an expression of a kind.
func (w *writer) of(element string, depth int) string {
	switch element {
	case "bool":
		return w.boolean(depth)
	case "int":
		return w.integer(depth)
	case "float":
		return w.float(depth)
	case "time":
		return w.time(depth)
	}
	return w.text(depth)
}

// count writes what counts elements.
func (w *writer) count(depth int) string {
	if w.element != "" {
		return call(w.one("count", "len"), w.events(depth))
	}
	list, element := w.list(depth)
	predicate := func() string { return w.inside(element, func() string { return w.boolean(depth) }) }
	return w.pick(
		func() string { return call(w.one("count", "len"), list) },
		func() string { return call("count", list, predicate()) },
		func() string { return call("count", list, predicate()) },
		func() string { return call("streak", list, predicate()) },
		func() string { return call("streak", w.values("bool", depth)) },
		func() string { return call("distinct", w.values(w.one("bool", "int", "float", "text", "time"), depth)) },
		func() string {
			return call("distinct", w.events(depth), w.projection(w.one("bool", "int", "float", "text", "time"), depth))
		},
	)
}

// mean writes an aggregate that is always a Float.
func (w *writer) mean(depth int) string {
	return w.aggregate(depth, w.one("int", "float", "float"), "mean", "median", "stddev", "mean", "median")
}

// aggregate writes one of the aggregates over values of a kind.
func (w *writer) aggregate(depth int, element string, names ...string) string {
	name := w.one(names...)
	switch {
	case w.element != "":
		return w.fieldOf(element, depth)
	case w.IntN(3) == 0:
		return call(name, w.values(element, depth))
	}
	return call(name, w.events(depth), w.projection(element, depth))
}

// event writes a past event.
func (w *writer) event(depth int) string {
	if w.element == "" && w.IntN(2) == 0 {
		return call("find", w.events(depth), w.inside("event", func() string { return w.boolean(depth) }))
	}
	return call(w.one("first", "last"), w.events(depth))
}

// fieldOf writes a scalar of one past event, or an element of a list of scalars.
func (w *writer) fieldOf(element string, depth int) string {
	if w.element == "" && w.IntN(4) == 0 {
		if w.IntN(2) == 0 {
			return call(w.one("first", "last"), w.values(element, depth))
		}
		return call("find", w.values(element, depth), w.inside(element, func() string { return w.boolean(depth) }))
	}
	if element == "bool" && w.IntN(3) == 0 {
		return fmt.Sprintf("(%s %s nil)", w.event(depth), w.one("==", "!="))
	}
	outer := w.element
	e := w.event(depth)
	w.element = "" // a plain column
	p := w.projection(element, 0)
	w.element = outer
	return e + p
}
