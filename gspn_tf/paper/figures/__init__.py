"""The paper's figures, drawn of a trained model and scenes (`gspn figure`).

designs    which figures there are, and of what data
subjects   the scenes that a figure shows
networks   runs, and what their networks say of a scene
context    figure 3: features and predicted centres
galleries  figures 5, 6, 8, 9 and 10: instances and classes
proposals  figure 7: proposals at one seed, and where that is
drawing    a figure's picture and numbers, and how they are written
"""
