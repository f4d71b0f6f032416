(function () {
  "use strict";
  var listed = function (items) { return Array.prototype.slice.call(items); };
  var wordsOf = function (form) { return form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean); };
  var isTicked = function (form, name) { var box = form.elements["is-" + name]; return !box || box.checked; };
  var holds = function (text, words) { return words.every(function (word) { return text.indexOf(word) >= 0; }); };
  var narrowing = function (form, apply) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    apply();
  };

  var filter = document.getElementById("filter");
  if (filter) {
    var groups = listed(document.querySelectorAll(".group"));
    narrowing(filter, function () {
      var words = wordsOf(filter), n = 0;
      groups.forEach(function (group) {
        var wanted = isTicked(filter, group.dataset.severity);
        var kind = group.querySelector("summary").textContent.toLowerCase();
        var left = 0;
        group.querySelectorAll(":scope > ul > li").forEach(function (item) {
          item.hidden = !wanted || !holds(kind + " " + item.textContent.toLowerCase(), words);
          left += item.hidden ? 0 : Number(item.dataset.n || 1);
        });
        group.hidden = !left;
        if (words.length && left) { group.open = true; }
        n += left;
      });
      document.getElementById("n-shown").textContent = n === 1 ? "1 finding is shown" : n + " findings are shown";
    });
  }

  var table = document.getElementById("table");
  if (table) {
    var body = table.tBodies[0], rows = listed(body.rows), heads = listed(table.tHead.rows[0].cells);
    var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
    var narrow = document.getElementById("narrow");
    narrowing(narrow, function () {
      var words = wordsOf(narrow), n = 0;
      rows.forEach(function (row, k) {
        row.hidden = !isTicked(narrow, row.dataset.state) || !holds(texts[k], words);
        n += row.hidden ? 0 : 1;
      });
      document.getElementById("n-rows").textContent = n === 1 ? "1 project is shown" : n + " projects are shown";
    });

    var inWords = new Intl.Collator("en", { numeric: true });
    var valueIn = function (row, column, isNumber) {
      var cell = row.cells[column];
      var value = "value" in cell.dataset ? cell.dataset.value : cell.textContent;
      return !isNumber ? value : value === "" ? null : Number(value);
    };
    var sortBy = function (column, isNumber, sign) {
      var keyed = rows.map(function (row, k) { return { row: row, k: k, value: valueIn(row, column, isNumber) }; });
      keyed.sort(function (a, b) {
        if (a.value === null || b.value === null) { return (a.value === null) - (b.value === null) || a.k - b.k; }
        return sign * (isNumber ? a.value - b.value : inWords.compare(a.value, b.value)) || a.k - b.k;
      });
      keyed.forEach(function (each) { body.appendChild(each.row); });
    };
    heads.forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var isDown = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
        sortBy(column, "number" in head.dataset, isDown ? -1 : 1);
      });
    });
  }

  // What a link leads to may be folded or filtered away.
  var reveal = function () {
    var wanted = document.getElementById(location.hash.slice(1));
    if (!wanted) { return; }
    var form = wanted.hidden && (wanted.closest("table") ? narrow : filter);
    if (form) { form.reset(); form.dispatchEvent(new Event("input")); }
    if (wanted.tagName === "DETAILS") { wanted.open = true; }
    wanted.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  if (location.hash) { reveal(); }
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
})();
