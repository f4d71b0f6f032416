(function () {
  "use strict";
  var form = document.getElementById("filter");
  if (form) {
    var groups = Array.prototype.slice.call(document.querySelectorAll(".group"));
    var told = document.getElementById("n-shown");
    var apply = function () {
      var words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
      var n = 0;
      groups.forEach(function (group) {
        var box = form.elements["is-" + group.dataset.severity];
        var wanted = !box || box.checked;
        var kind = group.querySelector("summary").textContent.toLowerCase();
        var left = 0;
        group.querySelectorAll("li").forEach(function (item) {
          var text = kind + " " + item.textContent.toLowerCase();
          var fits = wanted && words.every(function (word) { return text.indexOf(word) >= 0; });
          item.hidden = !fits;
          left += fits ? 1 : 0;
        });
        group.hidden = !left;
        if (words.length && left) { group.open = true; }
        n += left;
      });
      told.textContent = n === 1 ? "1 finding is shown" : n + " findings are shown";
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    apply();
  }
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
})();
