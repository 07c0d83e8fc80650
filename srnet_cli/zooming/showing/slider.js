"use strict";
for (const figure of document.querySelectorAll(".compare")) {
  const stage = figure.querySelector(".stage");
  const slider = stage.querySelector("input");
  const selects = figure.querySelectorAll("select");
  const show = () => {
    for (const image of stage.querySelectorAll("img")) {
      image.className = "";
      // The same method on both sides is shown once, below the line.
      for (const select of selects) {
        if (select.value === image.dataset.method) image.className = select.dataset.side;
      }
    }
  };
  const cut = () => stage.style.setProperty("--cut", slider.value + "%");
  for (const select of selects) select.addEventListener("change", show);
  slider.addEventListener("input", cut);
  // The thumb of a range stops short of the ends; the pointer does not.
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" || event.buttons) {
      const box = stage.getBoundingClientRect();
      slider.value = String(100 * (event.clientX - box.left) / box.width);
      cut();
    }
  });
  show();
  cut();
}
